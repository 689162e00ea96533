/**
 * Bells: the waiters of this process, by object.
 *
 * A bell is hung before the call is sent whose reply says "wait". If it is hung later, it rings
 * immediately if any ring came in between, because a ring may overtake the reply. A ring only means
 * that it is time to look. A lost one costs time, never the wake-up: all bells are rung at every
 * renewal of the lease and whenever the connection is back.
 */

import { clearTimeout, now, setTimeout } from '#clock';
import { onAbort } from '../aborts.ts';
import type { Deadline } from '../deadline.ts';

/** Longest time that a timer takes. */
const MOST_MS = 2 ** 31 - 1;

export class Bell {
  private readonly take: () => void;
  private rung = false;
  private act: (() => void) | undefined;
  private stop: (() => void) | undefined;
  private later: NodeJS.Timeout | undefined;
  private laterAt = Number.POSITIVE_INFINITY;

  constructor(take: () => void) {
    this.take = take;
  }

  /** It is time to look, in `after` milliseconds. */
  ring(after: number): void {
    if (after <= 0) {
      this.rung = true;
      this.act?.();
      return;
    }
    const at = now() + after;
    if (at >= this.laterAt) return;
    clearTimeout(this.later);
    this.laterAt = at;
    this.later = setTimeout(() => {
      this.laterAt = Number.POSITIVE_INFINITY;
      this.ring(0);
    }, after);
  }

  /**
   * Waits for a ring, or for `look` milliseconds if that is not 0. Resolves to `false` when the
   * deadline has passed or its signal is aborted.
   */
  next(deadline: Deadline, look: number): Promise<boolean> {
    if (look > 0) this.ring(look);
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const signal = deadline.signal;
      const end = (woken: boolean): void => {
        this.act = undefined;
        this.stop = undefined;
        clearTimeout(timer);
        unlisten?.();
        resolve(woken);
      };
      const unlisten = signal === undefined ? undefined : onAbort(signal, () => end(false));
      this.act = () => {
        this.rung = false;
        end(true);
      };
      this.stop = () => end(false);
      if (signal?.aborted === true || deadline.expired) end(false);
      else if (this.rung) this.act();
      else {
        // Without a deadline the timer only keeps the program alive as long as the call waits.
        const milliseconds = Math.min(MOST_MS, Math.ceil(deadline.remaining));
        timer = setTimeout(() => deadline.timed && end(false), milliseconds);
      }
    });
  }

  /** Ends it, and a wait for it: its timer would keep the program alive. */
  unhang(): void {
    this.stop?.();
    clearTimeout(this.later);
    this.take();
  }
}

export class Bells {
  private readonly hung = new Map<string, Set<Bell>>();

  /** Counts the rings that have come: see `hangAfter`. */
  heard = 0;

  /** Hangs a bell late: it rings immediately if a ring has come since `heard` had that value. */
  hangAfter(key: string, heard: number): Bell {
    const bell = this.hang(key);
    if (heard !== this.heard) bell.ring(0);
    return bell;
  }

  hang(key: string): Bell {
    const bells = this.hung.get(key) ?? new Set();
    this.hung.set(key, bells);
    const bell = new Bell(() => {
      bells.delete(bell);
      if (bells.size === 0 && this.hung.get(key) === bells) this.hung.delete(key);
    });
    bells.add(bell);
    return bell;
  }

  ring(key: string, after: number): void {
    this.heard++;
    for (const bell of [...(this.hung.get(key) ?? [])]) bell.ring(after);
  }

  ringAll(): void {
    this.heard++;
    for (const bells of [...this.hung.values()]) for (const bell of [...bells]) bell.ring(0);
  }

  /** Whether anybody waits. */
  get anyHung(): boolean {
    return this.hung.size > 0;
  }
}
