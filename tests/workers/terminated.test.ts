/** Threads that are terminated wherever they are. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program, runFile } from './run-file.ts';

test('threads may be terminated in the middle of any call of the system', async () => {
  const { code, signal, stdout, stderr } = await runFile([program('terminates')]);
  assert.deepEqual([code, signal, stdout, stderr], [0, null, 'all have ended\n', '']);
});
