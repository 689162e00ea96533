/** `npm run test:cpython`: CPython's own tests, in all modes. See README.md. */

import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { findPython, findPythonWithFutures, runPoolTests, runTests } from './python.ts';

/** Tries to install the test package where that takes no password. */
function installTestPackage(): void {
  if (process.geteuid?.() !== 0) return;
  const name = 'libpython3.11-testsuite';
  console.log(`installing ${name}`);
  const options: SpawnSyncOptions = { stdio: ['ignore', 'ignore', 'inherit'] };
  spawnSync('apt-get', ['update'], options);
  spawnSync('apt-get', ['install', '--yes', '--no-install-recommends', name], options);
}

let found = findPython();
if ('missing' in found ? found.missing.includes('test package') : findPythonWithFutures() === undefined) {
  installTestPackage();
  found = findPython();
}
if ('missing' in found) {
  console.error(`CPython's tests were not run: ${found.missing}`);
  process.exitCode = 1;
} else {
  const given = process.argv.slice(2);
  const args = given.some((arg) => arg.startsWith('--mode')) ? given : ['--mode', 'all', ...given];
  const { code } = await runTests(found.python, args, (text) => process.stdout.write(text));
  process.exitCode = code ?? 1;
  // All of it: the pools, too.
  if (given.length === 0) {
    const show = (text: string): void => void process.stdout.write(text);
    const pools = await runPoolTests(found.python, 'pool_suite', [], show);
    process.exitCode ||= pools.code ?? 1;
    const python = findPythonWithFutures();
    if (python === undefined) console.log('test_concurrent_futures: not run, no Python here has it');
    else process.exitCode ||= (await runPoolTests(python, 'futures_suite', [], show)).code ?? 1;
  }
}
