/** What an actor does with a reader-writer lock. */

import type { Hold, RWLock, RWLockSide, WaitOptions } from 'lockstep';
import type { Got, Integer, Self } from './operations.ts';

type Side = 'read' | 'write';

export const readersAndWriters = {
  async acquireSide(self: Self, lock: RWLock, side: Side, options?: WaitOptions): Promise<Got | null> {
    const hold = await acquireOf(self, lock[side], options);
    if (hold !== null) keep(self, lock, side, hold);
    return hold && { recovered: hold.recovered };
  },

  trySide(self: Self, lock: RWLock, side: Side): Got | null {
    const hold = lock[side].tryAcquire();
    if (hold !== null) keep(self, lock, side, hold);
    return hold && { recovered: hold.recovered };
  },

  releaseSide(self: Self, lock: RWLock, side: Side): void {
    const hold = self.holds.get(`${side} ${lock.handle}`)?.pop();
    if (hold === undefined) throw new Error(`the actor has no hold to ${side}`);
    hold.release();
  },

  /** Releases without a hold in hand. */
  releasePlainly(_self: Self, lock: RWLock, side: Side): void {
    lock[side].release();
  },

  /**
   * Reads and writes by turns, `rounds` times: a writer adds one to the first two words, and a
   * reader compares them. Tells how often it found them different, or a writer or reader beside it
   * that must not be there. The last word tells the most readers at once.
   */
  async readAndWriteOn(
    self: Self,
    lock: RWLock,
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
      if (self.style === 'blocking') side.runSync(body);
      else await side.run(body);
    }
    return { wrong, writes };
  },
};

async function acquireOf(self: Self, side: RWLockSide, options?: WaitOptions): Promise<Hold | null> {
  if (self.style === 'blocking') return options ? side.acquireSync(options) : side.acquireSync();
  return options ? await side.acquire(options) : await side.acquire();
}

function keep(self: Self, lock: RWLock, side: Side, hold: Hold): void {
  const key = `${side} ${lock.handle}`;
  self.holds.set(key, [...(self.holds.get(key) ?? []), hold]);
}
