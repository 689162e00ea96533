/** Runs conformance suites over another backend, each as a test of the file that asks for it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SUITES = new URL('../../conformance/', import.meta.url);

/**
 * Makes a test of each suite (`lock`, `rwlock` …), which runs it over the backend that the module
 * exports. `environment`: the variables that the backend needs, such as a server's address. It is
 * called when the tests run. `atLeast`: cases that a suite must have passed.
 */
export function over(
  module: URL,
  suites: readonly string[],
  { environment = () => ({}), atLeast = 3 }: { environment?: () => NodeJS.ProcessEnv; atLeast?: number } = {},
): void {
  for (const suite of suites) {
    test(`${suite} holds over ${module.pathname.replace(/.*\/|\.js$/g, '')}`, async (context) => {
      const file = fileURLToPath(new URL(`${suite}.test.js`, SUITES));
      const child = spawn(process.execPath, ['--test-reporter=tap', file], {
        env: {
          ...process.env,
          ...environment(),
          LOCKSTEP_BACKEND: module.href,
          LOCKSTEP_DIR: undefined,
          NODE_TEST_CONTEXT: undefined,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk) => {
          output += String(chunk);
        });
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      assert.equal(code ?? signal, 0, output);
      const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(output)?.[1]);
      const [passed, skipped] = [count('pass'), count('skipped')];
      assert.ok(passed >= atLeast, `only ${passed} cases passed:\n${output}`);
      context.diagnostic(`${passed} cases passed, ${skipped} left out`);
    });
  }
}
