// Runs the tests on other versions of Node: `npm run test:versions` (22, 24 and 26),
// `npm run test:versions -- 24`. The versions come from the npm registry and are kept in
// build/node-<version>.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const versions = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['22', '24', '26'];
let failed = false;

for (const version of versions) {
  const folder = `${root}build/node-${version}`;
  const bin = `${folder}/node_modules/node-linux-${process.arch}/bin`;
  if (!existsSync(bin)) {
    mkdirSync(folder, { recursive: true });
    const install = [
      'install',
      '--prefix',
      folder,
      '--no-audit',
      '--no-fund',
      '--no-save',
      `node-linux-${process.arch}@${version}`,
    ];
    if (spawnSync('npm', install, { stdio: 'inherit' }).status !== 0) process.exit(1);
  }
  console.log(`\nNode ${version}`);
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const { status } = spawnSync(`${bin}/node`, [`${root}scripts/test.mjs`], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  if (status !== 0) failed = true;
}
process.exit(failed ? 1 : 0);
