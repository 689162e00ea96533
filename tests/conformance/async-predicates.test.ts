/**
 * Functions that have to answer at once: a promise or a generator, which would count as true, is
 * refused.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BoundedSemaphore, Condition, Lock, RLock, RWLock, Semaphore, SharedArray, Value } from 'lockstep';
import { HANG_MS } from '../support/until.ts';

const LATER: Record<string, () => unknown> = {
  'an async function': async () => false,
  'a function that returns a promise': () => Promise.resolve(false),
  // biome-ignore lint/suspicious/noThenProperty: not a promise, but can be awaited like one.
  'a function that returns a thenable': () => ({ then: () => {} }),
  'an async generator': async function* () {
    yield false;
  },
};
const GENERATOR = function* (): Generator<boolean> {
  yield false;
};
const REFUSED = { code: 'ERR_LOCKSTEP_INVALID_TYPE', message: /refused a promise/ };
const RUN: Record<
  string,
  () => { runSync(fn: () => unknown): unknown; tryAcquire?(): { release(): void } | null }
> = {
  Lock: () => new Lock(),
  RLock: () => new RLock(),
  Condition: () => new Condition(),
  Semaphore: () => new Semaphore(),
  BoundedSemaphore: () => new BoundedSemaphore(1),
  'RWLock.read': () => new RWLock().read,
  'RWLock.write': () => new RWLock().write,
  Value: () => new Value('i8'),
  SharedArray: () => new SharedArray('i8', 1),
};

describe('what can not answer at once is refused', { timeout: HANG_MS, concurrency: true }, () => {
  for (const [what, predicate] of Object.entries({ ...LATER, 'a generator': GENERATOR })) {
    it(`waitFor and waitForSync: ${what}`, async () => {
      const condition = new Condition(new Lock());
      const hold = await condition.acquire();
      await assert.rejects(
        async () => await condition.waitFor(predicate as () => unknown, { timeout: 50 }),
        REFUSED,
      );
      assert.throws(() => condition.waitForSync(predicate as () => unknown, { timeout: 50 }), REFUSED);
      assert.doesNotThrow(() => condition.notify(), 'the lock is still held');
      hold.release();
    });
  }
  for (const [name, make] of Object.entries(RUN)) {
    it(`${name}.runSync`, () => {
      const object = make();
      for (const fn of Object.values(LATER)) assert.throws(() => object.runSync(fn), REFUSED);
      assert.equal(
        object.runSync(() => 'free'),
        'free',
        'each was released',
      );
    });
  }
  it('waitFor: the answer of a plain predicate is returned', async () => {
    const condition = new Condition();
    const hold = await condition.acquire();
    assert.deepEqual(await condition.waitFor(() => ['truthy'] as never, { timeout: 50 }), ['truthy']);
    assert.equal(condition.waitForSync(() => 0 as never, { timeout: 0 }) as unknown, 0);
    hold.release();
  });
});
