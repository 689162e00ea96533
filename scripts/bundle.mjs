// Bundles the compiled library: what programs, child processes and threads load is a few files
// instead of 150.
//
// The three entry points share one chunk, so that each process and thread has one instance of the
// library's state, whichever of them is loaded first. Names are kept: a stack that goes through the
// library stays readable. esbuild calls a class that refers to itself `_Lock`; `keepNames` would
// cure that, and name each closure anew wherever one is made. So classes alone get their names
// back, once.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decode, encode } from '@jridgewell/sourcemap-codec';
import { build } from 'esbuild';
import { withConstants } from './constants.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'build/src');
const output = join(root, 'dist');

/**
 * The entries that programs import and children run: each is a module of `src` and, under the same
 * name, a file of `dist`. One more is one line here; for programs it is also one in `exports` of
 * `package.json`.
 */
const ENTRIES = ['index', 'entry/pool-worker', 'entry/process', 'entry/thread'];

/** Programs that look from outside share no state with the library, and nobody else loads them. */
const OUTSIDE = ['inspect/inspect', 'cli/exec', 'cli/lockstep'];

/** The cluster: nothing in it may load koffi, so it has chunks of its own. */
const CLUSTER = ['cluster/connect', 'cluster/memory'];

/** Entries that a child runs. Code that they share goes into the chunk of all. */
const CHILDREN = /^entry\//;

// A chunk's name has a hash of what is in it: those of earlier builds go.
for (const name of readdirSync(output, { recursive: true })) {
  if (/\.js(\.map)?$/.test(name)) rmSync(join(output, name));
}

const classNames = {
  name: 'class-names',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]build[/\\]src[/\\].*\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(
        /^(?:export )?class (\w+)[^\n]*\{$/gm,
        "$& static { Object.defineProperty(this, 'name', { value: '$1', configurable: true }); }",
      ),
    }));
  },
};

/**
 * Modules of Node's come from `process.getBuiltinModule`: an import of `node:fs` costs 4 ms, as
 * Node makes all that it exports for it, streams included.
 */
const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    const names = new Map();
    for (const file of readdirSync(modules, { recursive: true }).filter((name) => name.endsWith('.js'))) {
      const source = readFileSync(join(modules, file), 'utf8');
      for (const [, imported, module] of source.matchAll(
        /^import (?:\w+, )?\{([^}]*)\} from '(node:[\w/]+)';$/gm,
      )) {
        const known = names.get(module) ?? new Set();
        for (const name of imported.split(',')) known.add(name.trim().split(' ')[0]);
        names.set(module, known);
      }
    }
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin', sideEffects: false }));
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `
        const found = process.getBuiltinModule(${JSON.stringify(path)});
        export const { ${[...(names.get(path) ?? [])].filter((name) => name !== '').join(', ')} } = found;
        export default found;`,
    }));
  },
};

/**
 * esbuild makes a chunk for each set of entries that share something, and everybody would read all
 * of them. So the index takes in what only children share, and all other entries take in the index.
 */
const oneChunk = {
  name: 'one-chunk',
  setup({ onLoad }) {
    const imported = ENTRIES.filter((entry) => CHILDREN.test(entry)).flatMap((entry) => {
      const source = readFileSync(join(modules, `${entry}.js`), 'utf8');
      return [...source.matchAll(/from '\.\.\/([^']+)'/g)].map(([, module]) => module);
    });
    const shared = imported.filter((module, index) => imported.indexOf(module) < index);
    onLoad({ filter: /[/\\]build[/\\]src[/\\].*\.js$/ }, ({ path }) => {
      const entry = relative(modules, path).replace(/\.js$/, '');
      if (!ENTRIES.includes(entry)) return undefined;
      const others = new Set(entry === 'index' ? shared : ['index.js']);
      const imports = [...others].map((module) => `import ${JSON.stringify(join(modules, module))};`);
      return { contents: `${readFileSync(path, 'utf8')}\n${imports.join('\n')}` };
    });
  },
};

const common = {
  outdir: output,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  plugins: [builtins, classNames],
  minifyWhitespace: true,
  minifySyntax: true,
  // Node prints the whole source line of an uncaught error.
  lineLimit: 160,
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
};

function entryPoints(entries) {
  return Object.fromEntries(entries.map((entry) => [entry, join(modules, `${entry}.js`)]));
}

await build({
  ...common,
  // The first that knows a module loads it.
  plugins: [oneChunk, ...common.plugins],
  entryPoints: entryPoints(ENTRIES),
  // `src/stacks.ts` knows the library's own frames by this name.
  chunkNames: 'lockstep-[hash]',
});

// Nobody looks for what is inside these in a stack.
const small = { ...common, minifyIdentifiers: true, sourcemap: false };
await build({ ...small, entryPoints: entryPoints(CLUSTER), chunkNames: 'lockstep-[hash]' });
await build({ ...small, entryPoints: entryPoints(OUTSIDE), chunkNames: 'inspect-[hash]' });

/**
 * A stack needs the line of the source, and where in the bundle it begins. All other columns are
 * most of a map, and left out. `shifts`: which columns were moved since the map was made.
 */
function thin(map, shifts) {
  const mappings = decode(map.mappings).map((segments, number) => {
    let [file, line] = [-1, -1];
    const kept = segments.filter((segment) => {
      const isSame = segment[1] === file && segment[2] === line;
      [, file = -1, line = -1] = segment;
      return !isSame;
    });
    return kept.map(([column, file, line, sourceColumn, ...name]) => {
      const before = (shifts.get(number) ?? []).filter((shift) => shift.column <= column);
      const at = before.reduce((sum, { moved }) => sum + moved, column);
      return sourceColumn === undefined ? [at] : [at, file, line, 0, ...name];
    });
  });
  return { ...map, mappings: encode(mappings) };
}

for (const name of readdirSync(output, { recursive: true })) {
  if (!name.endsWith('.js')) continue;
  const file = join(output, name);
  const { code, shifts } = withConstants(readFileSync(file, 'utf8'));
  writeFileSync(file, code);
  if (!existsSync(`${file}.map`)) continue;
  const map = JSON.parse(readFileSync(`${file}.map`, 'utf8'));
  writeFileSync(`${file}.map`, JSON.stringify(thin(map, shifts)));
}

/** Declarations that an entry for programs leads to. */
function declarations() {
  const found = new Set();
  const follow = (file) => {
    if (found.has(file)) return;
    found.add(file);
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from |import\(|import )'(\.[^']+)'/g)) {
      follow(join(dirname(file), path.replace(/\.[jt]s$/, '.d.ts')));
    }
  };
  for (const entry of [...ENTRIES, ...CLUSTER, ...OUTSIDE]) {
    if (!CHILDREN.test(entry)) follow(join(output, `${entry}.d.ts`));
  }
  return found;
}

/**
 * Folders of which no program sees more than types: their comments are for readers of the source.
 */
const INNER = /^(agents|codec|functions|kinds|memory|messaging\/ring|namespaces|platform|waiting)\//;

for (const name of readdirSync(output, { recursive: true })) {
  if (
    !name.endsWith('.d.ts') ||
    !(INNER.test(name) || /\/raw-(lock|rwlock|barrier|condition)\./.test(name))
  ) {
    continue;
  }
  const file = join(output, name);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^ *\/\*\*[\s\S]*?\*\/\n/gm, ''));
}

// The package holds no declarations that no program can reach, and none of earlier builds.
const needed = declarations();
const left = readdirSync(output, { recursive: true })
  .map((name) => join(output, name))
  .filter((file) => file.endsWith('.d.ts') && !needed.has(file));
const ignored = ['*.tsbuildinfo', '*.d.ts.map', ...left.map((file) => `/${relative(output, file)}`)];
writeFileSync(join(output, '.npmignore'), `${ignored.join('\n')}\n`);
