/** Shared objects in items of a queue are open as long as a thread needs them, and no longer. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Connection, Event, Pipe, Process, Queue, Value } from 'lockstep';
import type { Carried } from '../support/carriers.ts';
import { takesEnd, takesSlowly } from '../support/carriers.ts';
import { channelOf } from '../support/internals.ts';
import { HANG_MS, PATIENCE_MS } from '../support/until.ts';

const END = { code: 'ERR_LOCKSTEP_END_OF_STREAM' };

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

describe('shared objects in items', { timeout: HANG_MS }, () => {
  it('who was not the first to take an item has nothing of it open', async () => {
    const queue = new Queue<Connection>();
    const [go, done] = [new Event(), new Event()];
    const child = new Process({ target: takesEnd, args: [queue, go, done] });
    child.start();
    const [here, there] = Pipe();
    queue.putSync(there);
    const { ring } = channelOf(queue);
    // The child takes the item between this thread's reading it and its compare-and-swap.
    ring.take = (head, next): boolean => {
      Reflect.deleteProperty(ring, 'take');
      go.set();
      done.waitSync();
      return ring.take(head, next);
    };
    assert.equal(queue.tryGet(), null);
    there.close();
    await child.join();
    assert.equal(here.recvSync({ timeout: PATIENCE_MS }), 'hello');
    assert.throws(() => here.recvSync({ timeout: PATIENCE_MS }), END);
  });

  for (const [what, ballast] of [
    ['small', 1],
    ['cloned', new Map()],
    ['far', 'x'.repeat(5_000_000)],
  ] as const) {
    it(`a ${what} item's objects are open for its taker, though who put it lets go of them`, async () => {
      const queue = new Queue<Carried | string>();
      const [taken, go] = [new Event(), new Event()];
      const child = new Process({ target: takesSlowly, args: [queue as Queue<Carried>, taken, go] });
      child.start();
      (() => queue.putSync({ value: new Value('i32', 7), ballast }))();
      await taken.wait();
      // The next put lets go of what was taken.
      queue.putSync('next');
      for (let round = 0; round < 5; round++) {
        collectGarbage();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      go.set();
      assert.equal(await child.result, 7);
    });
  }
});
