/** An actor's calls of a reader-writer lock. */

import type { AsyncHold, AsyncRWLock, AsyncRWLockSide, RWLockSide, WaitOptions } from 'lockstep';
import type { Got, Integer, Self } from './operations.ts';

type Side = 'read' | 'write';

export const readersAndWriters = {
  async acquireSide(self: Self, lock: AsyncRWLock, side: Side, options?: WaitOptions): Promise<Got | null> {
    const hold = await acquireOf(self, lock[side], options);
    if (hold !== null) keep(self, lock, side, hold);
    return hold && { recovered: hold.recovered };
  },

  async trySide(self: Self, lock: AsyncRWLock, side: Side): Promise<Got | null> {
    const hold = await lock[side].tryAcquire();
    if (hold !== null) keep(self, lock, side, hold);
    return hold && { recovered: hold.recovered };
  },

  async releaseSide(self: Self, lock: AsyncRWLock, side: Side): Promise<void> {
    const hold = self.holds.get(lock[side])?.pop();
    if (hold === undefined) throw new Error(`the actor has no hold to ${side}`);
    await hold.release();
  },

  /** Releases without a hold in hand. */
  async releasePlainly(_self: Self, lock: AsyncRWLock, side: Side): Promise<void> {
    await lock[side].release();
  },

  /**
   * Reads and writes by turns, `rounds` times: a writer adds one to the first two words, and a
   * reader compares them. Tells how often it found them different, or a writer or reader beside it
   * that must not be there. The last word tells the most readers at once.
   */
  async readAndWriteOn(
    self: Self,
    lock: AsyncRWLock,
    [first, second, readers, writers, most]: readonly [Integer, Integer, Integer, Integer, Integer],
    rounds: number,
    writesEvery: number,
  ): Promise<{ wrong: number; writes: number }> {
    let wrong = 0;
    let writes = 0;
    const write = (): void => {
      if (writers.add(1) !== 0 || readers.value !== 0) wrong++;
      first.value++;
      second.value++;
      writers.sub(1);
      writes++;
    };
    const read = (): void => {
      const beside = readers.add(1) + 1;
      if (beside > most.value) most.value = beside;
      if (writers.value !== 0 || first.value !== second.value) wrong++;
      readers.sub(1);
    };
    for (let round = 1; round <= rounds; round++) {
      const [side, body] =
        round % writesEvery === 0 ? ([lock.write, write] as const) : ([lock.read, read] as const);
      if (self.style === 'blocking') (side as RWLockSide).runSync(body);
      else await side.run(body);
    }
    return { wrong, writes };
  },
};

async function acquireOf(
  self: Self,
  side: AsyncRWLockSide,
  options?: WaitOptions,
): Promise<AsyncHold | null> {
  const { acquireSync } = side as RWLockSide;
  if (self.style === 'blocking') return acquireSync.call(side, options ?? {});
  return options ? await side.acquire(options) : await side.acquire();
}

function keep(self: Self, lock: AsyncRWLock, side: Side, hold: AsyncHold): void {
  const key = lock[side];
  self.holds.set(key, [...(self.holds.get(key) ?? []), hold]);
}
