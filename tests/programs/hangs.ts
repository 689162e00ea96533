/**
 * A test file that never ends, as its children live on: one that it has started, and one whose
 * parent has ended. Started by the test of the test runner.
 */

import '../support/sandbox.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';

it('passes', () => {
  console.log('printed before it hangs');
});

it('waits in vain', async () => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const parent = spawn('sh', ['-c', 'sleep 1001 & echo "$!"']);
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  console.error(`children: ${child.pid} ${text.toString().trim()}`);
  await once(child, 'exit');
});
