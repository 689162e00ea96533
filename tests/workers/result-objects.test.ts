/**
 * Shared objects in a child's result arrive alive, though only the child had them open, and nothing
 * is left of them.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Event, Lock, openShared, Process, Queue, RawArray, SharedArray, Thread } from 'lockstep';
import { folderOf, newBeside, objectsBeside } from '../support/internals.ts';
import { returnsArgument, returnsObjects, startsAndLeaves, throwsObject } from '../support/keepers.ts';
import { HANG_MS } from '../support/until.ts';

const anchor = new Lock();
/** Results and what objects leave. */
const left = (): string[] =>
  readdirSync(folderOf(anchor)).filter((file) => /^(data|item|result|job)-/.test(file));

for (const Kind of [Process, Thread]) {
  describe(`a ${Kind.name}'s result`, { timeout: HANG_MS }, () => {
    it('has shared objects that only the child had open, and what they need', async () => {
      const child = new Kind({ target: returnsObjects });
      child.start();
      const { array, again, queue, locked } = await child.result;
      await child.join();
      assert.equal(array, again);
      assert.ok(array instanceof RawArray && locked instanceof SharedArray && queue instanceof Queue);
      assert.deepEqual(array.toArray(), [1, 2, 3]);
      locked.runSync(() => locked.set(0, 6));
      const inner = (queue.tryGet() as Map<string, RawArray>).get('inner')!;
      assert.deepEqual(inner.toArray(), [4]);
      const handles = [array, locked, queue, inner].map(({ handle }) => handle);
      for (const object of [array, locked, queue, inner]) object[Symbol.dispose]();
      for (const handle of handles) {
        assert.throws(() => openShared(handle), { code: 'ERR_LOCKSTEP_STALE_HANDLE' }, handle);
      }
    });

    it('has them also when its parent blocked', async () => {
      const child = new Kind({ target: returnsObjects });
      child.start();
      child.joinSync();
      // Three, and what lies in the queue: the queue in which they came is gone.
      assert.equal(left().filter((file) => file.startsWith('data-')).length, 4);
      assert.deepEqual((await child.result).array.toArray(), [1, 2, 3]);
      const { array, locked, queue } = await child.result;
      for (const object of [array, locked, queue]) object[Symbol.dispose]();
      assert.deepEqual(left(), []);
    });

    it('has what its parent closed while the child had it', async () => {
      const array = new RawArray('i32', [7]);
      const closed = new Event();
      const child = new Kind({ target: returnsArgument, args: [array, closed] });
      child.start();
      array.close();
      closed.set();
      using same = await child.result;
      assert.deepEqual(same.toArray(), [7]);
      await child.join();
    });

    it('has them in an error', async () => {
      const child = new Kind({ target: throwsObject });
      child.start();
      const error = (await child.result.catch((reason: unknown) => reason)) as { array: RawArray };
      assert.deepEqual(error.array.toArray(), [6]);
      error.array.close();
      await child.join();
    });
  });
}

it('leaves nothing where its parent was killed before it took the result', async () => {
  const before = objectsBeside(anchor);
  const child = new Process({ target: startsAndLeaves });
  child.start();
  await child.join();
  assert.equal(child.exitCode, -9);
  assert.deepEqual(newBeside(anchor, before), []);
});
