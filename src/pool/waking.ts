/**
 * Waking: which worker wakes up for a task in the pool's ring.
 *
 * The worker that ran last is awake for some microseconds longer, and looks at the ring before it
 * sleeps. For a call alone the pool therefore wakes up nobody at first. It looks at the ring again
 * in the next microtask, or before its thread blocks: if the task still lies there, it wakes up a
 * worker then. So a worker that was stopped or killed meanwhile holds up no task.
 */

import { MOST_SPINS } from '#park';
import type { Member } from './member.ts';
import type { WorkerWords } from './worker-words.ts';

/** Looks at the task ring for a worker that is awake to take the task: some 5 us. */
const LOOKS = 200;

export class Waking {
  /** The worker that has brought the last result. */
  latest: Member | undefined;
  private readonly words: WorkerWords;
  private readonly ring: { readonly empty: boolean };
  private readonly members: readonly (Member | undefined)[];
  /** Whether a task was put for which nobody was woken. */
  private owed = false;

  constructor(
    words: WorkerWords,
    ring: { readonly empty: boolean },
    members: readonly (Member | undefined)[],
  ) {
    this.words = words;
    this.ring = ring;
    this.members = members;
  }

  /** A task was put into the pool's ring. `mayWait`: the caller soon calls `makeSure`. */
  wake(mayWait: boolean): void {
    if (mayWait && MOST_SPINS > 0 && this.isLatestAwake) this.owed = true;
    else this.wakeOne();
  }

  /** Whether the task may still lie in the ring with nobody awake. */
  get isOwed(): boolean {
    return this.owed;
  }

  /** Wakes up a worker if the task for which nobody was woken still lies in the ring. */
  makeSure(): void {
    if (!this.owed) return;
    this.owed = false;
    for (let look = 0; look < LOOKS; look++) if (this.ring.empty) return;
    this.wakeOne();
  }

  private get isLatestAwake(): boolean {
    const { latest } = this;
    return latest?.canTake === true && !this.words.isIdle(latest.index);
  }

  /** Wakes up a worker that sleeps, if there is one: the one that ran last, or any other. */
  private wakeOne(): void {
    const { latest, words, members } = this;
    if (!words.isOneIdle) return;
    if (latest?.canTake === true && words.takeIdleOf(latest.index)) {
      latest.wake();
      return;
    }
    const idle = words.takeIdle();
    if (idle !== 0) members[idle]?.wake();
  }
}
