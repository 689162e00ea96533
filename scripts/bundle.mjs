// Bundles the compiled library: what programs, child processes and threads load is a few files
// instead of 150.
//
// The three entry points share one chunk, so that each process and thread has one instance of the
// library's state, whichever of them is loaded first. Names are kept: a stack that goes through the
// library stays readable. esbuild calls a class that refers to itself `_Lock`; `keepNames` would
// cure that, and name each closure anew wherever one is made. So classes alone get their names
// back, once.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'build/src');
const output = join(root, 'dist');

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

const common = {
  outdir: output,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  plugins: [classNames],
  minifyWhitespace: true,
  minifySyntax: true,
  // Node prints the whole source line of an uncaught error.
  lineLimit: 160,
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
};

await build({
  ...common,
  entryPoints: {
    index: join(modules, 'index.js'),
    'entry/pool-worker': join(modules, 'entry/pool-worker.js'),
    'entry/process': join(modules, 'entry/process.js'),
    'entry/thread': join(modules, 'entry/thread.js'),
  },
  // `src/stacks.ts` knows the library's own frames by this name.
  chunkNames: 'lockstep-[hash]',
});

// What looks from outside shares no state with the library, and is loaded by nobody else.
await build({
  ...common,
  entryPoints: {
    'inspect/inspect': join(modules, 'inspect/inspect.js'),
    'cli/lockstep': join(modules, 'cli/lockstep.js'),
  },
  chunkNames: 'inspect-[hash]',
});
