/**
 * Stream work: how a worker runs a generator whose values are read by the pool's program. For the
 * word that the two share see credits.ts.
 *
 * Out of credit, the generator stays suspended at its `yield`. The worker's event loop runs on, so
 * timers and sockets of the program live. The worker takes no other task meanwhile, unless it has
 * `concurrency`: a task owns its worker from its start to its end, with all that the worker keeps.
 */

import { AsyncResource } from 'node:async_hooks';
import { inspect } from 'node:util';
import { now } from '#park';
import { InvalidTypeError } from '../errors.ts';
import { isSpent, sleepWithoutCredit } from './credits.ts';
import type { Replies } from './replies.ts';
import { generationOf, slotOf } from './slot-words.ts';
import type { TaskTable } from './task-table.ts';
import { isThenable } from './thenable.ts';

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

export class StreamWork {
  /** Milliseconds for which it had no credit. */
  waited = 0;
  private readonly table: TaskTable;
  private readonly replies: Replies;
  private readonly ticket: number;
  private readonly at: number;
  private put = 0;
  private ended = false;
  /** Continues the sleep without credit. */
  private wake: (() => void) | undefined;
  /** Asks an iterator to end that is at work on its next value. */
  private interrupt: (() => void) | undefined;

  constructor(table: TaskTable, replies: Replies, ticket: number) {
    this.table = table;
    this.replies = replies;
    this.ticket = ticket;
    this.at = table.cursorAt(slotOf(ticket));
  }

  /** The pool has rung: there may be credit, or the stream may have been stopped. */
  look(): void {
    if (this.isStopped) this.interrupt?.();
    if (this.wake !== undefined && (this.isStopped || !this.isSpent)) this.wake();
  }

  /** This local worker has ended. */
  end(): void {
    this.ended = true;
    this.look();
  }

  /**
   * Puts the values of what the function returned. `breathe` lets the event loop have its turn, at
   * times. Rejects with the errors of the generator.
   */
  async run(made: unknown, breathe: (time: number) => Promise<void> | undefined): Promise<void> {
    const iterator = iteratorOf(made);
    let closing: Promise<unknown> | undefined;
    const close = (): Promise<unknown> => (closing ??= (async () => await iterator.return?.())());
    // A queued `return` rejects while its turn has not come, and is awaited below.
    const interrupt = AsyncResource.bind(() => void close().catch(() => {}));
    for (;;) {
      // End the generator if the stream was stopped; sleep without credit.
      if (this.isStopped) {
        await close();
        return;
      }
      if (this.isSpent) {
        await this.credit();
        continue;
      }
      // Ask for the next value.
      let step: IteratorResult<unknown>;
      try {
        const asked = iterator.next();
        if (isThenable(asked)) {
          this.interrupt = interrupt;
          step = await asked;
        } else {
          step = asked;
          if (isThenable(step.value)) step = { done: step.done === true, value: await step.value };
        }
      } catch (error) {
        // Stopped in the middle, it may well throw.
        if (this.isStopped) continue;
        throw error;
      } finally {
        this.interrupt = undefined;
      }
      if (step.done === true) return;
      // Put it. As where a loop's body throws, that error goes before one of the generator's end.
      const put = this.replies.putValue(this.ticket, step.value);
      const failure = put instanceof Promise ? await put : put;
      if (failure !== undefined) {
        await close().catch(() => {});
        throw failure.error;
      }
      this.put++;
      const turn = breathe(now());
      if (turn !== undefined) await turn;
    }
  }

  private get isStopped(): boolean {
    return this.ended || this.table.isAborted(slotOf(this.ticket), generationOf(this.ticket));
  }

  private get isSpent(): boolean {
    return isSpent(this.table.words, this.at, this.put);
  }

  /** Sleeps until there is credit, or the stream is stopped. */
  private async credit(): Promise<void> {
    if (!sleepWithoutCredit(this.table.words, this.at, this.put)) return;
    const began = now();
    await new Promise<void>((resolve) => {
      this.wake = () => {
        this.wake = undefined;
        resolve();
      };
    });
    this.waited += now() - began;
  }
}

function iteratorOf(made: unknown): AnyIterator {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = Object(made) as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  const begin = (later ?? now) as ((this: unknown) => AnyIterator) | undefined;
  if (typeof begin === 'function') return begin.call(made);
  throw new InvalidTypeError(
    `stream: refused, the function gave ${inspect(made, { depth: 0 })}; export a generator function (function* or async function*)`,
  );
}
