// Bundles the compiled library. Programs, child processes and threads load a few files instead of
// 150.
//
// The three entry points share one chunk, so that each process and thread has one instance of the
// library's state, whichever of them is loaded first. Names are kept: a stack that goes through the
// library stays readable. esbuild calls a class that refers to itself `_Lock`; `keepNames` would
// cure that, but it names each closure again wherever one is made. So only classes get their names
// back, once.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { builtinsOf, classNames, ENTRIES, Library, OPTIONS } from './bundle/library.mjs';
import { withConstants } from './constants.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'build/src');
const output = join(root, 'dist');

/** Programs that look from outside share no state with the library, and nobody else loads them. */
const OUTSIDE = ['inspect/inspect', 'cli/exec', 'cli/lockstep'];

/** The cluster: nothing in it may load koffi, so it has chunks of its own. */
const CLUSTER = ['cluster/connect', 'cluster/memory'];

// A chunk's name has a hash of what is in it: those of earlier builds go.
for (const name of readdirSync(output, { recursive: true })) {
  if (/\.c?js(\.map)?$/.test(name)) rmSync(join(output, name));
}

function entryPoints(entries) {
  return Object.fromEntries(entries.map((entry) => [entry, join(modules, `${entry}.js`)]));
}

const library = new Library({ root: modules, output, entries: ENTRIES, options: OPTIONS });
await library.write();
library.writeWhole('whole.js');

// Nobody looks for what is inside these in a stack.
const small = {
  ...OPTIONS,
  outdir: output,
  splitting: true,
  packages: 'external',
  plugins: [builtinsOf(modules), classNames],
  minifyIdentifiers: true,
  sourcemap: false,
};
await build({ ...small, entryPoints: entryPoints(CLUSTER), chunkNames: 'lockstep-[hash]' });
await build({ ...small, entryPoints: entryPoints(OUTSIDE), chunkNames: 'inspect-[hash]' });

for (const name of readdirSync(output, { recursive: true })) {
  if (!name.endsWith('.js') || /^lockstep-|^entry/.test(name)) continue;
  const file = join(output, name);
  writeFileSync(file, withConstants(readFileSync(file, 'utf8')).code);
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
  for (const entry of ['index', ...CLUSTER, ...OUTSIDE]) follow(join(output, `${entry}.d.ts`));
  return found;
}

/**
 * Folders of which no program sees more than types: their comments are for readers of the source.
 */
const INNER =
  /^(?:agents|cluster\/(?:machines|stores)|codec|functions|kinds|memory|messaging\/ring|namespaces|platform|waiting)\/|^pool\/(?:backlog|chunk-work|crew|deaths|engine|function-list|intake|item-run|keyed-tasks|local-worker|member|messages|pool-task|replies|sealed|slots|sources|task-control|task-table|worker|worker-orders)\.|^workers\/(?:process\/(?!process\.|warm)|thread\/(?!thread\.))|^workers\/(?:child-state|launch|outcome|gift|identity|node-options|children|place|origin|death)\.|^objects\/(?!shared-object|handles)|^cluster\/(?:bells|calls|pending|serving|store)\.|^cluster\/objects\/(?:core|item-text|queue-wait|scope)\.|^sync\/lock\/(?:lock-words|lock-wait|lock-order|taken-at|scope|watcher|guard|deadlock)\.|^sync\/barrier\/barrier-action\./;

/** Comments that no editor shows to a user: those of a file itself, and of private members. */
const UNSEEN = [
  /^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n(?=import |export \* )/,
  /^ *\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n(?= *private )/gm,
];

for (const name of readdirSync(output, { recursive: true }).filter((each) => each.endsWith('.d.ts'))) {
  const isInner = INNER.test(name) || /\/raw-(lock|rwlock|barrier|condition)\./.test(name);
  const forms = isInner ? [/^ *\/\*\*[\s\S]*?\*\/\n/gm] : UNSEEN;
  const file = join(output, name);
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    forms.reduce((rest, form) => rest.replace(form, ''), text),
  );
}

// The package holds no declarations that no program can reach, and none of earlier builds.
const needed = declarations();
const left = readdirSync(output, { recursive: true })
  .map((name) => join(output, name))
  .filter((file) => file.endsWith('.d.ts') && !needed.has(file));
const ignored = ['*.tsbuildinfo', '*.d.ts.map', ...left.map((file) => `/${relative(output, file)}`)];
writeFileSync(join(output, '.npmignore'), `${ignored.join('\n')}\n`);
