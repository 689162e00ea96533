/**
 * Polling: looks for something for some microseconds before the thread sleeps, because a sleep and
 * its end cost more than a short task.
 *
 * A poll lasts for a time, not for a number of looks. So a pause of the other side (a collection of
 * garbage, a turn of its event loop) does not send this side to sleep. After fruitless polls only
 * every eighth wait polls, until a wait is short although this thread slept: the other side is
 * quick, and slept, too. Without this rule each side could find the other asleep for thousands of
 * waits. If the kernel has given the processor to another thread during a poll, there are more
 * threads than processors, and only every 64th wait polls. On a single core none does.
 */

import { MOST_SPINS, now } from '#park';

/** Looks between two looks at the clock. */
const LOOKS = 8;
/** Waits that do not poll after fruitless polls: 2 to this power, less 1, at most. */
const MOST_DOUBLINGS = 3;
/** Milliseconds between two looks at the clock that only another thread's turn explains. */
const TURN_OF_ANOTHER = 0.2;
/** Waits that do not poll after such a turn. */
const LEFT_OUT_AFTER_TURN = 63;
/** Milliseconds of a wait after which the next one polls: two sleeps and their ends, some 80 us. */
const SHORT_WAIT = 0.25;

export class Polling {
  private readonly peek: () => boolean;
  /** Fruitless polls in a row, as far as they matter. */
  private vain = 0;
  /** Waits from now on that do not poll. */
  private left = 0;
  /** When the present wait began; 0: none, or its poll was of use. */
  private began = 0;

  constructor(peek: () => boolean) {
    this.peek = peek;
  }

  /** Counts a wait, which begins; returns whether it polls. */
  mayPoll(): boolean {
    if (MOST_SPINS === 0) return false;
    this.began = now();
    if (this.left === 0) return true;
    this.left--;
    return false;
  }

  /** Looks for at most `longest` milliseconds; returns whether `peek` said so. */
  poll(longest: number): boolean {
    const { peek } = this;
    let time = now();
    const end = time + longest;
    do {
      for (let look = 0; look < LOOKS; look++) {
        if (!peek()) continue;
        this.vain = 0;
        this.began = 0;
        return true;
      }
      const before = time;
      time = now();
      if (time - before > TURN_OF_ANOTHER) {
        this.left = LEFT_OUT_AFTER_TURN;
        return false;
      }
    } while (time < end);
    this.vain = Math.min(this.vain + 1, MOST_DOUBLINGS);
    this.left = 2 ** this.vain - 1;
    return false;
  }

  /** The wait is over, and this thread slept in it. */
  slept(): void {
    if (this.began === 0) return;
    const lasted = now() - this.began;
    this.began = 0;
    if (lasted > SHORT_WAIT || this.left >= 2 ** MOST_DOUBLINGS) return;
    this.vain = 0;
    this.left = 0;
  }
}
