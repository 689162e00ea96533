/** An actor's calls of locks in nested order. */

import {
  type Barrier,
  type Condition,
  DeadlockError,
  type Lock,
  type RLock,
  type WaitOptions,
} from 'lockstep';
import type { Self } from './operations.ts';

type Mutex = Lock | RLock;

/** A `DeadlockError`, as data. */
export interface Closed {
  readonly message: string;
  readonly cycle: DeadlockError['cycle'];
}

/** `'all'`: it had all locks at once; `'not all'`: the last wait timed out. */
export type Nested = 'all' | 'not all' | Closed;

export const nestedLocks = {
  /**
   * Takes the locks one inside the other, by the scoped form where it awaits; meets the others
   * before it takes the last.
   */
  async nest(self: Self, locks: readonly Mutex[], met?: Barrier, options?: WaitOptions): Promise<Nested> {
    try {
      return self.style === 'blocking' ? nestSync(locks, met, options) : await nest(locks, met, options);
    } catch (error) {
      return closed(error);
    }
  },

  /**
   * Waits for a notification with `outer` in hand, which the notifier wants with the condition's
   * lock in hand.
   */
  async waitNested(self: Self, outer: Mutex, condition: Condition): Promise<Nested> {
    try {
      if (self.style === 'blocking') {
        return outer.runSync(() => condition.runSync(() => (condition.waitSync() ? 'all' : 'not all')));
      }
      return await outer.run(() => condition.run(async () => ((await condition.wait()) ? 'all' : 'not all')));
    } catch (error) {
      return closed(error);
    }
  },

  /** Notifies, and then wants `outer`, with the condition's lock in hand. */
  async notifyNested(self: Self, outer: Mutex, condition: Condition): Promise<Nested> {
    try {
      if (self.style === 'blocking') {
        return condition.runSync(() => {
          condition.notify();
          return outer.runSync(() => 'all' as const);
        });
      }
      return await condition.run(async () => {
        condition.notify();
        return await outer.run(() => 'all' as const);
      });
    } catch (error) {
      return closed(error);
    }
  },

  /**
   * Takes both locks in the given order again and again; lets go and tries again where that would
   * be a deadlock.
   */
  async dine(
    self: Self,
    first: Mutex,
    second: Mutex,
    meals: number,
  ): Promise<{ meals: number; refused: number }> {
    let refused = 0;
    for (let meal = 0; meal < meals; ) {
      const nested = await nestedLocks.nest(self, [first, second]);
      if (nested === 'all') meal++;
      else refused++;
    }
    return { meals, refused };
  },
};

function nestSync(locks: readonly Mutex[], met?: Barrier, options?: WaitOptions): Nested {
  const [lock, ...inner] = locks as [Mutex, ...Mutex[]];
  if (inner.length === 0) met?.waitSync();
  const hold = inner.length === 0 && options ? lock.acquireSync(options) : lock.acquireSync();
  if (hold === null) return 'not all';
  try {
    return inner.length === 0 ? 'all' : nestSync(inner, met, options);
  } finally {
    hold.release();
  }
}

async function nest(locks: readonly Mutex[], met?: Barrier, options?: WaitOptions): Promise<Nested> {
  const [lock, ...inner] = locks as [Mutex, ...Mutex[]];
  if (inner.length > 0) return await lock.run(() => nest(inner, met, options));
  await met?.wait();
  return (await lock.run(() => 'all' as const, options ?? {})) ?? 'not all';
}

function closed(error: unknown): Closed {
  if (!(error instanceof DeadlockError)) throw error;
  return { message: error.message, cycle: error.cycle };
}
