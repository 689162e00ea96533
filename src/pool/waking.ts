/**
 * Waking: which worker wakes up for a task in the pool's ring.
 *
 * The worker that ran last is awake for some microseconds longer, and looks at the ring before it
 * sleeps. For a call alone the pool therefore wakes up nobody at first. It looks at the ring again
 * in the next microtask, or before its thread blocks for any object: if the task still lies there,
 * it wakes up a worker then. So a worker that was stopped or killed meanwhile holds up no task.
 *
 * A wake-up is spent on a worker that was killed in its sleep. At the end of a worker the pool
 * therefore wakes up another if a task still lies in the ring.
 */

import { MOST_SPINS } from '#park';
import type { Member } from './member.ts';
import type { WorkerWords } from './worker-words.ts';

/**
 * Looks at the task ring for a worker that is awake to take the task: some 5 us. On a single core
 * the worker can't take the task meanwhile.
 */
const LOOKS = MOST_SPINS > 0 ? 200 : 0;

export class Waking {
  /** The worker that has brought the last result. */
  latest: Member | undefined;
  private readonly words: WorkerWords;
  private readonly ring: { readonly empty: boolean };
  private readonly members: readonly (Member | undefined)[];
  private readonly looks: number;
  /** Whether a task was put for which nobody was woken. */
  private owed = false;

  constructor(
    words: WorkerWords,
    ring: { readonly empty: boolean },
    members: readonly (Member | undefined)[],
    looks: number = LOOKS,
  ) {
    this.words = words;
    this.ring = ring;
    this.members = members;
    this.looks = looks;
  }

  /** A task was put into the pool's ring. `mayWait`: the caller soon calls `makeSure`. */
  wake(mayWait: boolean): void {
    if (mayWait && this.looks > 0 && this.isLatestAwake) this.owed = true;
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
    for (let look = 0; look < this.looks; look++) if (this.ring.empty) return;
    this.wakeOne();
  }

  /** A worker has ended, perhaps with a wake-up: wakes up another if a task lies in the ring. */
  lost(member: Member): void {
    if (this.latest === member) this.latest = undefined;
    this.words.clearIdle(member.index);
    if (!this.ring.empty) this.wakeOne();
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
    // A worker that is stopping may still have its mark, and takes no task.
    for (let idle = words.takeIdle(); idle !== 0; idle = words.takeIdle()) {
      const member = members[idle];
      member?.wake();
      if (member?.stopping === false) return;
    }
  }
}
