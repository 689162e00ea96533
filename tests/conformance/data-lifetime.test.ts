/** How long the memory of shared data lives, in a program whose garbage is collected again and again. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { SharedArray, SharedMemory } from 'lockstep';
import { run } from '../support/programs.ts';

describe('the memory of shared data', { timeout: 60_000 }, () => {
  it('is mapped once, stays while a view of it is held, and is given back when nothing is', async () => {
    const ending = await run('collects', { nodeArgs: ['--expose-gc'] });
    assert.equal(ending.stderr, '');
    assert.deepEqual(JSON.parse(ending.stdout), {
      twice: 1,
      seen: [7, 2, 3],
      afterClose: [7, 8, 3],
      none: 0,
      partsSeen: [[1, 2, 3, 4], 5, 6],
      three: 3,
      noneAgain: 0,
      whenClosed: [1, 0, 0, 0, 0],
      many: 1,
      left: 1,
    });
  });

  it('can not be transferred to a thread: it is copied, or refused by later versions of Node', () => {
    const block = new SharedMemory({ create: true, size: 8 });
    const array = new SharedArray('u8', 8);
    const { port1, port2 } = new MessageChannel();
    for (const buffer of [block.buffer, array.view.buffer]) {
      try {
        port1.postMessage(buffer, [buffer]);
      } catch (error) {
        assert.equal((error as Error).name, 'DataCloneError');
      }
      assert.equal(buffer.byteLength, 8);
    }
    for (const port of [port1, port2]) port.close();
    for (const object of [block, array]) object.close();
  });
});
