/** `npm run test:cpython`: CPython's own tests, in all modes. See README.md. */

import { spawnSync } from 'node:child_process';
import { findPython, runPoolTests, runTests } from './python.ts';

/** Tries to install the test package where that takes no password. */
function installTestPackage(): void {
  if (process.geteuid?.() !== 0) return;
  console.log('installing libpython3-testsuite');
  spawnSync('apt-get', ['install', '--yes', '--no-install-recommends', 'libpython3-testsuite'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

let found = findPython();
if ('missing' in found && found.missing.includes('test package')) {
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
    const pools = await runPoolTests(found.python, [], (text) => process.stdout.write(text));
    process.exitCode ||= pools.code ?? 1;
  }
}
