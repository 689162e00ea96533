// Bundles the compiled library for the tests: what each of their thousands of processes and threads
// loads is one file instead of 150, which halves what its start takes.
//
// Unlike the package's bundle (bundle.mjs) it gives access to every module in it. Beside the chunk
// lies a small file for each, under the module's path, that exports the chunk's own instances
// (tests/support/internals.ts imports these). `#atomics` stays an import, so that the crash walks
// can replace it. The export condition `lockstep-tested` chooses it.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'build/src');
/** `src/stacks.ts` knows the library's own frames by the folder's name and the chunk's. */
const output = join(root, 'build/tested/dist');
const ALL = 'all-modules.js';

/**
 * The modules that programs load and children run. Nothing else belongs to the library's one
 * instance.
 */
const ENTRIES = [
  'index.js',
  ...readdirSync(join(root, 'src/entry')).map((file) => `entry/${file.replace(/ts$/, 'js')}`),
];

const options = {
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  external: ['#atomics'],
  logLevel: 'warning',
  outdir: output,
};

export async function bundleForTests() {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const { metafile } = await build({
    ...options,
    entryPoints: ENTRIES.map((entry) => join(modules, entry)),
    metafile: true,
    write: false,
  });
  const loaded = Object.keys(metafile.inputs).map((file) => relative(modules, resolve(file)));
  const others = loaded.filter((file) => !file.startsWith('entry/') && !file.startsWith('..'));
  const imports = others.map((file, index) => `export * as m${index} from './${file}';`);
  writeFileSync(join(modules, ALL), imports.join('\n'));
  const entries = ENTRIES.filter((file) => file !== 'index.js');
  try {
    await build({
      ...options,
      entryPoints: Object.fromEntries(
        [ALL, ...entries].map((file) => [file.replace(/\.js$/, ''), join(modules, file)]),
      ),
      chunkNames: 'lockstep-[hash]',
    });
  } finally {
    rmSync(join(modules, ALL));
  }
  for (const [index, file] of others.entries()) await writeModule(file, index);
}

async function writeModule(file, index) {
  const names = Object.keys(await import(pathToFileURL(join(modules, file)).href));
  const path = join(output, file);
  mkdirSync(dirname(path), { recursive: true });
  const up = '../'.repeat(file.split('/').length - 1) || './';
  const members = names.map((name) => `export const ${name} = module.${name};`);
  writeFileSync(path, [`import { m${index} as module } from '${up}${ALL}';`, ...members, ''].join('\n'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleForTests();
