/** Calls that are served at once leave the event loop of their thread its turns. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { type Connection, Pipe, Process, Queue, Thread } from 'lockstep';
import { callAll, keepOrder, putOn, sendOn, takeAll } from '../support/served-calls.ts';
import { HANG_MS, PATIENCE_MS } from '../support/until.ts';

const children: (Process | Thread)[] = [];

afterEach(async () => {
  for (const child of children) child.kill();
  for (const child of children.splice(0)) await child.join();
});

for (const Kind of [Process, Thread]) {
  const start = <Args extends readonly unknown[]>(
    target: (...args: Args) => unknown,
    ...args: Args
  ): Process | Thread => {
    const child = new Kind({ target, args });
    children.push(child);
    child.start();
    return child;
  };

  /** What the child has begun; it ends with 'end' unless a loop went on without end. */
  const run = async (child: Process | Thread, begun: Queue<string>): Promise<string[]> => {
    if (!(await child.join(PATIENCE_MS))) child.kill();
    await child.join();
    begun.close();
    return [...begun];
  };

  describe(`a ${Kind.name} whose calls are all served at once`, { timeout: HANG_MS }, () => {
    it('receives its timers and signals meanwhile', async () => {
      const begun = new Queue<string>();
      const names = await run(start(callAll, begun), begun);
      assert.equal(names.at(-1), 'end', names.join());
      assert.ok(names.length > 30);
    });

    it('receives them also while others put and send without end', async () => {
      const begun = new Queue<string>();
      const items = new Queue<number>();
      const [there, here] = Pipe<number>({ duplex: false });
      start(putOn, items);
      start(sendOn, here as Connection);
      const names = await run(start(takeAll, begun, items, there as Connection), begun);
      assert.equal(names.at(-1), 'end');
      assert.equal(names.length, 5);
    });

    it('has its calls in their order, and takes nothing for a call that was aborted', async () => {
      await start(keepOrder).result;
    });
  });
}
