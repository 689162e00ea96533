// Bundles the compiled library for the tests: what each of their thousands of processes and threads
// loads is one file instead of 150, which halves what its start takes.
//
// Unlike the package's bundle (bundle.mjs) it gives access to every module: beside the chunk lies a
// small file for each, under the module's path, that exports the chunk's own instances
// (tests/support/internals.ts imports these). `#atomics` stays an import, so that the crash walks
// can replace it. The export condition `lockstep-tested` chooses it.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'build/src');
/** `src/stacks.ts` knows the library's own frames by the folder's name and the chunk's. */
const output = join(root, 'build/tested/dist');
const ALL = 'all-modules.js';
/** Programs: whoever imports one runs it, so they stay out of the chunk that every test loads. */
const PROGRAMS = ['cli/lockstep.js'];

export async function bundleForTests() {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const files = readdirSync(modules, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    // A file whose source is gone is left over from an earlier build.
    .filter((file) => existsSync(join(root, 'src', file.replace(/\.js$/, '.ts'))));
  const entries = files.filter((file) => file.startsWith('entry/'));
  const others = files.filter((file) => !entries.includes(file) && !PROGRAMS.includes(file));
  writeFileSync(
    join(modules, ALL),
    others.map((file, index) => `export * as m${index} from './${file}';`).join('\n'),
  );
  try {
    await build({
      entryPoints: Object.fromEntries(
        [ALL, ...entries].map((file) => [file.replace(/\.js$/, ''), join(modules, file)]),
      ),
      outdir: output,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      packages: 'external',
      external: ['#atomics'],
      chunkNames: 'lockstep-[hash]',
      logLevel: 'warning',
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
