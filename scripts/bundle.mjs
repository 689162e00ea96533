// Bundles the compiled library. Programs, child processes and threads load a few files instead of
// 150.
//
// The three entry points share one chunk, so that each process and thread has one instance of the
// library's state, whichever of them is loaded first. Names outside of functions are kept: a stack
// that goes through the library stays readable. esbuild calls a class that refers to itself
// `_Lock`; `keepNames` would cure that, but it names each closure again wherever one is made. So
// only classes get their names back, once.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { narrower } from './bundle/declarations.mjs';
import { ENTRIES, Library, OPTIONS } from './bundle/library.mjs';
import { builtinsOf, classNames, exportedNames } from './bundle/plugins.mjs';
import { rolledUp } from './bundle/roll-ups.mjs';
import { withConstants } from './constants.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'build/src');
const declared = join(root, 'build/declarations');
const output = join(root, 'dist');

/** Programs that look from outside share no state with the library, and nobody else loads them. */
const OUTSIDE = ['inspect/inspect', 'cli/exec', 'cli/lockstep'];

/** The cluster: nothing in it may load koffi, so it has chunks of its own. */
const CLUSTER = ['cluster/connect', 'cluster/memory'];

// A chunk's name has a hash of what is in it: those of earlier builds go.
mkdirSync(output, { recursive: true });
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
  minifyIdentifiers: true,
  sourcemap: false,
};
const bundle = (entries, chunkNames, ...plugins) =>
  build({
    ...small,
    entryPoints: entryPoints(entries),
    chunkNames,
    plugins: [builtinsOf(modules), ...plugins],
  });

/** Scripts for servers, in Lua and SQL: their indentation is for readers of the source. */
const scripts = {
  name: 'scripts',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]cluster[/\\]stores[/\\](?:redis|postgres)[\w-]*\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/^ +/gm, ''),
    }));
  },
};

await bundle(CLUSTER, 'lockstep-[hash]', exportedNames, scripts);
await bundle(OUTSIDE, 'inspect-[hash]', classNames);

for (const name of readdirSync(output, { recursive: true })) {
  if (!name.endsWith('.js') || /^lockstep-|^entry/.test(name)) continue;
  const file = join(output, name);
  writeFileSync(file, withConstants(readFileSync(file, 'utf8')).code);
}

/**
 * Folders of which no program sees more than types: their comments are for readers of the source.
 */
const INNER_FOLDERS = [
  'agents',
  'cluster/machines',
  'cluster/stores',
  'codec',
  'functions',
  'kinds',
  'memory',
  'messaging/ring',
  'namespaces',
  'objects',
  'platform',
  'waiting',
  'workers/process',
  'workers/thread',
];
/** Files there whose comments programs see. */
const OUTER_FILES = [
  'objects/shared-object',
  'workers/process/process',
  'workers/process/warm',
  'workers/thread/thread',
];
/** The same as those folders, among the files of others. */
const INNER_FILES = {
  '': 'deadline stacks',
  cluster: 'bells calls document lanes pending serving session store',
  'cluster/objects': 'core early item-text places pool-calls queue-wait scope stay stays taking',
  pool:
    'back-off backlog callers calls chunk-sharing chunk-size chunk-work crew deaths draining engine function-list gate-wait hand-out ' +
    'histogram in-time intake item-calls item-run keyed-tasks listening local-worker member messages polling printing pool-core pool-life pool-state pool-task ' +
    'reading replies results run-order sealed settling slot-words slots source-end sources task-control task-putter ' +
    'task-runner task-table waking worker worker-orders worker-watch worker-words',
  shared: 'data-object elements guarding list-items record-memory schema',
  'sync/barrier': 'barrier-action raw-barrier',
  'sync/condition': 'raw-condition',
  'sync/lock': 'deadlock guard lock-order lock-wait lock-words raw-lock scope taken-at watcher',
  'sync/rwlock': 'raw-rwlock',
  workers: 'child-state children death gift identity job launch node-options origin outcome place',
};

/** The path of a file of declarations as the lists above have it. */
const plain = (name) => name.replace(/(\.d)?\.ts$/, '');

/** Whether programs see nothing of the declarations in the file but types. */
function isInner(name) {
  const path = plain(name);
  const folder = dirname(path) === '.' ? '' : dirname(path);
  const listed = INNER_FILES[folder]?.split(' ') ?? [];
  return isOpaque(name) || listed.includes(path.slice(folder === '' ? 0 : folder.length + 1));
}

/** Whether programs can only pass on the objects of its classes. */
function isOpaque(name) {
  const path = plain(name);
  if (OUTER_FILES.includes(path)) return false;
  return INNER_FOLDERS.some((inner) => path.startsWith(`${inner}/`)) || /\/raw-(?!value|array)/.test(path);
}

/** What is left of a statement of the declarations. */
function shorten(path, text, isExported) {
  const short = isInner(path) && !isExported ? text.replace(/^ *\/\*\*[\s\S]*?\*\/\n/gm, '') : text;
  return narrower(short).replace(/^ +(?!\*)/gm, '');
}

// The package has no declarations but these, and none of earlier builds.
for (const name of readdirSync(output, { recursive: true })) {
  if (/\.d\.ts(\.map)?$|\.tsbuildinfo$|^\.npmignore$/.test(name)) rmSync(join(output, name));
}
const entries = ['index', ...CLUSTER, 'inspect/inspect'];
for (const [path, text] of rolledUp(declared, entries, isOpaque, shorten)) {
  mkdirSync(dirname(join(output, path)), { recursive: true });
  writeFileSync(join(output, `${path}.d.ts`), text);
}
