// Checks and runs the tests: `npm test`, or `npm test -- tests/conformance/lock …` for the files
// whose paths match only.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForTests } from './bundle-tests.mjs';
import { runTests } from './run-tests.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const deep = process.argv.includes('--deep');
/**
 * How far the longest suites go in `npm run test:deep`: more preemptions in the model, every read a
 * crash point.
 */
const depth = deep ? { LOCKSTEP_MODEL: 'deep', LOCKSTEP_CRASH: 'every', LOCKSTEP_DAMAGE: 'all' } : {};
/**
 * The tests run a bundle of their own, which lets them look into modules (bundle-tests.mjs).
 * Programs that they start inherit the choice by the environment.
 */
const choice = `${process.env.NODE_OPTIONS ?? ''} --conditions=lockstep-tested`.trim();
const wanted = process.argv
  .slice(2)
  .filter((path) => path !== '--deep')
  .map((path) => path.replace(/^(\.\/)?(build\/)?tests\//, '').replace(/\.[jt]s$/, ''));

/** Runs a tool of node_modules; ends with its exit code if it fails. */
function check(script, ...args) {
  const { status, error } = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

// Before the checks: one of them looks whether the files that package.json names are there.
await bundleForTests();
if (wanted.length === 0) {
  check('@biomejs/biome/bin/biome', 'check', '.');
  check('knip/bin/knip.js');
  // Without packing: the bundle that the tests run are not published.
  check('publint/src/cli.js', '--pack', 'false');
}

/** The tests of the inspector watch its system calls. Without it they say that they could not. */
function installStrace() {
  const isThere = spawnSync('strace', ['-V']).error === undefined;
  if (isThere || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  spawnSync('apt-get', ['install', '--yes', '--no-install-recommends', 'strace'], { stdio: 'inherit' });
}

if (wanted.length === 0 || wanted.some((path) => path.startsWith('inspect'))) installStrace();

const folder = join(root, 'build/tests');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  // A file whose source is gone is left over from an earlier build.
  .filter((file) => existsSync(join(root, 'tests', file.replace(/\.js$/, '.ts'))))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(', ')}`);
  process.exit(1);
}

// Shared memory of all tests goes below one folder, which has to be empty in the end.
const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lockstep-tests-'));
chmodSync(base, 0o711); // A test that gives up its rights has to get through.
// A runner that is killed leaves the rest to this one: it sees the end of the pipe, which only the
// runner holds.
const watchdog = spawn(process.execPath, [join(root, 'scripts/test-watchdog.mjs'), base], {
  stdio: ['pipe', 'ignore', 'inherit'],
  detached: true,
});
watchdog.unref();
let passed = false;
try {
  Object.assign(process.env, depth, { LOCKSTEP_TEST_DIR: base, NODE_OPTIONS: choice });
  // As deep as they go, the longest take hours.
  passed = await runTests(folder, files, deep ? { limit: 4 * 3_600_000 } : {});
  const left = readdirSync(base, { recursive: true, encoding: 'utf8' });
  if (left.length > 0) {
    console.error(`the tests left behind in ${base}:\n  ${left.join('\n  ')}`);
    passed = false;
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
process.exit(passed ? 0 : 1);
