/** Flow: one player. It takes and waits in all possible ways, chosen by its dice. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Hold, WaitOptions } from 'lockstep';
import type { Word } from '../support/words.ts';
import { BETWEEN, type Board, markOf, report, stateOf } from './board.ts';
import { CAST } from './cast.ts';
import { Random } from './random.ts';

/** A wait of this length is a hang: nobody holds anything for long. */
export const HANG_MS = 90_000;

export interface Acquirable {
  acquire(options?: WaitOptions): Promise<Hold | null>;
  acquireSync(options?: WaitOptions): Hold | null;
  tryAcquire(): Hold | null;
}

/** The form of a call. */
interface Manner {
  blocking: boolean;
  options: WaitOptions | undefined;
  /** To be called when the call is over. */
  done(): void;
}

const ABORTED = new Error('aborted by the flow itself');

export class Flow {
  readonly board: Board;
  readonly seat: number;
  /** The word that it writes where it is alone. */
  readonly mark: number;
  readonly random: Random;
  readonly mayBlock: boolean;
  /** The act that it is in. */
  act = 0;

  constructor(board: Board, seat: number, generation: number, seed: number) {
    this.board = board;
    this.seat = seat;
    this.mark = markOf(seat, generation);
    this.random = new Random(seed, seat, generation);
    this.mayBlock = CAST[seat]?.alone === true;
  }

  /**
   * Says where in the act it is. The supervisor uses it to repair what the flow leaves when it is
   * killed.
   */
  at(phase: number): void {
    (this.board.state[this.seat] as Word).value = stateOf(this.act, phase);
  }

  /** The act is over. */
  exit(): void {
    (this.board.state[this.seat] as Word).value = BETWEEN;
  }

  violated(text: string): void {
    report(this.board, text);
  }

  /**
   * Takes the object in one way or another; `null`: in vain, by a timeout, a signal, or as it only
   * tried.
   *
   * @param mayAbort whether by a signal, too
   */
  async take(object: Acquirable, mayAbort = true): Promise<Hold | null> {
    if (this.random.percent(8)) return object.tryAcquire();
    return await this.waiting(
      this.manner(mayAbort),
      () => object.acquire(),
      (options) => object.acquire(options),
      (options) => (options === undefined ? object.acquireSync() : object.acquireSync(options)),
    );
  }

  /** Takes the object without giving up. */
  async takeSurely(object: Acquirable): Promise<Hold> {
    const since = performance.now();
    const blocking = this.mayBlock && this.random.percent(50);
    const hold = blocking ? object.acquireSync() : await object.acquire();
    this.waited(since);
    return hold as Hold;
  }

  /** Waits, within a time, by a signal or without limit. `null`: the signal came. */
  async wait<Result>(
    awaiting: (options?: WaitOptions) => Promise<Result>,
    blocking: (options?: WaitOptions) => Result,
  ): Promise<Result | null> {
    return await this.waiting(this.manner(true), () => awaiting(), awaiting, blocking);
  }

  /** Dawdles: not at all, for a moment of computing, or for some turns of the event loop. */
  async dawdle(): Promise<void> {
    const odds = this.random.below(100);
    if (odds < 60) return;
    if (odds < 90) {
      const end = performance.now() + this.random.below(50) / 1000;
      while (performance.now() < end);
    } else await sleep(this.random.below(3));
  }

  private async waiting<Result>(
    manner: Manner,
    plain: () => Promise<Result>,
    awaiting: (options?: WaitOptions) => Promise<Result>,
    blocking: (options?: WaitOptions) => Result,
  ): Promise<Result | null> {
    const since = performance.now();
    try {
      if (manner.blocking) return blocking(manner.options);
      return await (manner.options === undefined ? plain() : awaiting(manner.options));
    } catch (error) {
      if (error === ABORTED) return null;
      throw error;
    } finally {
      manner.done();
      this.waited(since);
    }
  }

  private manner(mayAbort: boolean): Manner {
    const { random } = this;
    const blocking = this.mayBlock && random.percent(50);
    const odds = random.below(100);
    const nothing = (): void => {};
    if (odds < 25) return { blocking, options: { timeout: random.below(6) }, done: nothing };
    if (odds >= 35 || blocking || !mayAbort) return { blocking, options: undefined, done: nothing };
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(ABORTED), random.below(5));
    return { blocking, options: { signal: controller.signal }, done: () => clearTimeout(timer) };
  }

  private waited(since: number): void {
    const longest = this.board.longest[this.seat] as Word;
    const time = Math.round(performance.now() - since);
    if (time > longest.value) longest.value = time;
    if (time > HANG_MS) this.violated(`flow ${this.seat} waited for ${time} ms in act ${this.act}`);
  }
}
