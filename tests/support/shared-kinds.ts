/** Named objects of some kinds: how they are held, and what they give to the next after a death. */

import { Barrier, BoundedSemaphore, type Hold, LockstepError, RLock, RWLock } from 'lockstep';

interface Takeable {
  acquire(): Promise<Hold>;
  acquireSync(): Hold;
}

export interface SharedKind {
  readonly object: { close(): void; describe(): object };
  /** Has something of it until the program ends. Resolves when it has. */
  hold(): Promise<void>;
  /** Waits for what the dead one had, and returns what came. */
  want(): Promise<unknown>;
  wantBlocking(): unknown;
}

const name = 'shared';

function held(object: SharedKind['object'], taken: Takeable, wanted: Takeable = taken): SharedKind {
  return {
    object,
    hold: async () => {
      await taken.acquire();
    },
    want: async () => {
      const hold = await wanted.acquire();
      hold.release();
      return { recovered: hold.recovered };
    },
    wantBlocking: () => {
      const hold = wanted.acquireSync();
      hold.release();
      return { recovered: hold.recovered };
    },
  };
}

function codeOf(error: unknown): unknown {
  if (error instanceof LockstepError) return { code: error.code };
  throw error;
}

export const SHARED_KINDS: Readonly<Record<string, () => SharedKind>> = {
  RLock: () => {
    const lock = new RLock({ name });
    return held(lock, lock);
  },
  BoundedSemaphore: () => {
    const semaphore = new BoundedSemaphore(1, { name });
    return held(semaphore, semaphore);
  },
  RWLock: () => {
    const lock = new RWLock({ name });
    return held(lock, lock.write, lock.read);
  },
  // The dead agent is a party: the round is broken.
  Barrier: () => {
    const barrier = new Barrier(3, { name });
    return {
      object: barrier,
      hold: async () => {
        void barrier.wait().catch(() => {});
        await Promise.resolve();
      },
      want: () => barrier.wait().catch(codeOf),
      wantBlocking: () => {
        try {
          return barrier.waitSync();
        } catch (error) {
          return codeOf(error);
        }
      },
    };
  },
};
