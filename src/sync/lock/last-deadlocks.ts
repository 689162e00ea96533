/**
 * LastDeadlocks: the last refused deadlocks of a namespace, kept for later queries
 * (`lockstep why --last`).
 *
 * Each is a file of its own, `deadlock-<milliseconds>-<pid>-<thread>`, written by the thread that
 * was refused. That thread then removes the oldest files beyond the limit. No two threads write the
 * same file, and a removal that comes second finds nothing. A thread that is killed while it writes
 * leaves half a text, which readers ignore.
 */

import { timeOfDay } from '#clock';
import type { DeadlockMember } from '../../errors.ts';
import { LockstepError } from '../../errors.ts';
import type { Namespace } from '../../namespaces/namespace.ts';
import { DEADLOCK_PREFIX } from '../../namespaces/paths.ts';
import { threadId } from '../../this-thread.ts';

/** Deadlocks that are kept in a namespace. */
const KEPT = 16;
/** Digits of a time, so that names sort by it. */
const DIGITS = 15;

/** Contents of such a file. */
export interface KeptDeadlock {
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly message: string;
  /** The threads that would have waited for each other; the first is the refused one. */
  readonly members: readonly DeadlockMember[];
}

/** Keeps the refused deadlock. */
export function keepDeadlock(
  { directory }: Namespace,
  message: string,
  members: readonly DeadlockMember[],
): void {
  const at = Math.round(timeOfDay());
  const file = `${DEADLOCK_PREFIX}${String(at).padStart(DIGITS, '0')}-${process.pid}-${threadId}`;
  try {
    directory.write(file, JSON.stringify({ at, message, members } satisfies KeptDeadlock));
    const all = directory.list(DEADLOCK_PREFIX).sort();
    for (const old of all.slice(0, -KEPT)) directory.remove(old);
  } catch (error) {
    // There is no room, or the folder is gone. The error that is about to be thrown says it all.
    if (!(error instanceof LockstepError)) throw error;
  }
}
