// Bundles the compiled library for the tests. Each of their thousands of processes and threads
// loads a few files instead of 150, which halves the time of its start.
//
// It is the package's bundle (bundle.mjs), pieces and all, but for two things. It gives access to
// every module in it: beside the chunk lies a small file for each, under the module's path, that
// exports the bundle's own instances (tests/support/internals.ts imports these). And `#atomics`
// stays an import, so that the crash walks can replace it. The export condition `lockstep-tested`
// chooses it.
//
// The model has a bundle of its own: one file, in which `#park` and `#clock` stay imports, too.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { ENTRIES, Library, OPTIONS } from './bundle/library.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** `src/stacks.ts` knows the library's own frames by the folder's name and the chunk's. */
const output = join(root, 'build/tested/dist');

export async function bundleForTests() {
  rmSync(output, { recursive: true, force: true });
  const library = new Library({
    root: join(root, 'build/src'),
    output,
    entries: ENTRIES,
    options: { ...OPTIONS, minifyWhitespace: false, sourcemap: false },
    external: ['#atomics'],
    open: true,
  });
  await library.write();
  writeFileSync(
    join(output, 'reach.js'),
    `${await library.reaching('./')}\nexport const { $pieces } = $names;\n`,
  );
  for (const [path, names] of library.modules()) writeModule(path, names);
  await bundleForModel();
}

async function bundleForModel() {
  // Compiled by now.
  const { PARTS } = await import('../build/tests/model/library.js');
  const imports = PARTS.map((path, index) => `import * as part${index} from './${path}';`);
  const parts = PARTS.map((_, index) => `part${index}`);
  await build({
    ...OPTIONS,
    stdin: {
      contents: `${imports.join('\n')}\nexport const parts = [${parts}];`,
      resolveDir: join(root, 'build/src'),
    },
    outfile: join(root, 'build/modelled/library.js'),
    external: ['#atomics', '#clock', '#park'],
    packages: 'external',
    keepNames: true,
    minifyWhitespace: false,
    sourcemap: false,
  });
}

function writeModule(path, names) {
  if (path === 'index.js') return;
  const file = join(output, path);
  mkdirSync(dirname(file), { recursive: true });
  const up = '../'.repeat(path.split('/').length - 1) || './';
  const lines = [`import { $pieces } from '${up}reach.js';`];
  for (const { name, short, piece } of names) {
    const from = piece === undefined ? '$pieces.names' : `$pieces.get('${piece}')`;
    lines.push(`export const ${name} = ${from}.${short};`);
  }
  writeFileSync(file, `${lines.join('\n')}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleForTests();
