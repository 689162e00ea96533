/**
 * Smoke: the package as it would be published, a bundle, passes the suites of Lock, Queue, Process
 * and Thread in another folder.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { usersEnvironment } from '../support/environment.ts';
import { sandbox } from '../support/sandbox.ts';
import { PackedPackage } from './package.ts';

const SUITES = [
  'conformance/lock.test.js',
  'conformance/queue.test.js',
  'workers/process.test.js',
  'workers/thread.test.js',
];
/** The programs and packages that the suites use. */
const PARTS = ['support', 'programs', 'conformance', 'workers'];

let installed: PackedPackage;
before(() => {
  installed = new PackedPackage();
  for (const part of PARTS) installed.addTests(part);
});
after(() => installed.remove());

test('the suites pass with the package that is packed', async (context) => {
  for (const suite of SUITES) {
    await context.test(suite, async () => {
      const args = ['--test', '--test-reporter=spec', join(installed.folder, 'build/tests', suite)];
      const child = spawn(process.execPath, args, {
        cwd: installed.folder,
        env: { ...usersEnvironment(), LOCKSTEP_TEST_DIR: sandbox, LOCKSTEP_FLAVOUR: 'mixed' },
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text;
        });
      }
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 0, output);
      const passed = Number(/^ℹ pass (\d+)$/m.exec(output)?.[1]);
      assert.ok(passed >= 10, `only ${passed} tests ran:\n${output}`);
    });
  }
});
