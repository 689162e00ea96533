/** Finds a Python whose own tests can be run here, and runs them. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The version whose test files the bridge knows. */
const VERSION = '3.11';

/** The folder of the Python files, as seen from the compiled tests. */
const FOLDER = new URL('../../../tests/cpython/', import.meta.url);
const HUB = new URL('./hub.js', import.meta.url);
const POOLS = new URL('./pools.js', import.meta.url);

export interface Ran {
  code: number | null;
  output: string;
}

/** The command of that Python; or why there is none. */
export function findPython(): { python: string } | { missing: string } {
  const found = [process.env.PYTHON, `python${VERSION}`, 'python3'].find(
    (name) => name !== undefined && versionOf(name) === VERSION,
  );
  if (found === undefined) {
    return { missing: `there is no Python ${VERSION} here (PYTHON names another one)` };
  }
  const { status } = spawnSync(found, ['-c', 'import test.lock_tests, test._test_multiprocessing']);
  if (status === 0) return { python: found };
  return {
    missing: `${found} lacks its test package; install it (Debian: apt-get install libpython${VERSION}-testsuite)`,
  };
}

function versionOf(python: string): string | undefined {
  const { status, stdout } = spawnSync(
    python,
    ['-c', 'import sys; print("%d.%d" % sys.version_info[:2], sys.implementation.name)'],
    { encoding: 'utf8' },
  );
  const [version, implementation] = status === 0 ? stdout.trim().split(' ') : [];
  return implementation === 'cpython' ? version : undefined;
}

/** A Python that also has the tests of concurrent.futures, which some installations leave out. */
export function findPythonWithFutures(): string | undefined {
  const names = [process.env.PYTHON, `python${VERSION}`, 'python3', `/usr/bin/python${VERSION}`];
  return names.find(
    (name) =>
      name !== undefined &&
      versionOf(name) === VERSION &&
      spawnSync(name, ['-c', 'import test.test_concurrent_futures']).status === 0,
  );
}

/** Runs CPython's tests of pools or of executors; see pool_suite.py and futures_suite.py. */
export function runPoolTests(
  python: string,
  suite: 'pool_suite' | 'futures_suite',
  args: string[],
  show: (text: string) => void,
): Promise<Ran> {
  const script = fileURLToPath(new URL(`${suite}.py`, FOLDER));
  return run(python, [script, process.execPath, fileURLToPath(POOLS), ...args], show);
}

/** Runs the tests that the arguments choose; see run.py. `show` is called with what they print. */
export async function runTests(python: string, args: string[], show: (text: string) => void): Promise<Ran> {
  const script = fileURLToPath(new URL('run.py', FOLDER));
  return await run(python, [script, '--hub', fileURLToPath(HUB), '--node', process.execPath, ...args], show);
}

async function run(python: string, args: string[], show: (text: string) => void): Promise<Ran> {
  const child = spawn(python, args, {
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
      show(String(chunk));
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}
