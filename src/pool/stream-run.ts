/**
 * Stream run: a generator that runs in a worker, as the pool sees it. Its values come in the order
 * of the worker's ring, before its outcome. For the credit that it gets see credits.ts.
 *
 * A stream of which all permitted values have come, and half of them are unread, waits for its
 * reader. Then it keeps neither the program running nor its pool open: `close()` ends it, as it
 * ends an `imap` whose results nobody reads.
 */

import { setImmediate } from '#clock';
import type { Origin } from '../stacks.ts';
import { giveCredit } from './credits.ts';
import type { PoolTask } from './pool-task.ts';
import type { ResultSource, ResultTarget } from './results.ts';
import { SourceEnd } from './source-end.ts';
import type { ControlHost } from './task-control.ts';
import { giveUp } from './task-control.ts';

export class StreamRun implements ResultSource {
  readonly chunkSize = 1;
  isOver = false;
  private readonly host: ControlHost;
  private readonly task: PoolTask;
  private readonly target: ResultTarget;
  private readonly ahead: number;
  /** Values that may have come. */
  private granted: number;
  /** Number of values that have come. */
  done = 0;
  private looksSoon = false;
  /** Whether it waits for its reader. */
  private rests = false;
  /** Whether nobody wants to know how the generator ends. */
  private isLeft = false;
  private stopped: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  private reason: () => unknown = () => undefined;
  private readonly generatorEnd: SourceEnd = new SourceEnd({ stop: () => this.stopTask() });

  /** @param target gets the values */
  constructor(host: ControlHost, task: PoolTask, target: ResultTarget, ahead: number) {
    this.host = host;
    this.task = task;
    this.target = target;
    this.ahead = ahead;
    this.granted = ahead;
    const more = task.needMore();
    more.credit = ahead;
    more.onValue = (value) => this.value(value);
    task.resolve = () => this.ended(undefined);
    task.reject = (error, isOfWorker) => this.ended({ error }, isOfWorker);
  }

  get name(): string {
    return this.task.fn.name;
  }

  /** Where the call began. */
  get origin(): Origin | undefined {
    return this.task.origin ?? this.task.fn.called;
  }

  /** Gives credit for values that were read. */
  pump(): void {
    const { host, task, ahead } = this;
    const more = this.target.room(this.granted);
    // Few wake-ups: give half of all credits at a time.
    if (this.isOver || task.slot < 0 || more < (ahead + 1) >> 1) return;
    this.granted += more;
    if (this.rests) this.goOn();
    const { table, slots } = host.engine.handOut;
    if (giveCredit(table.words, table.cursorAt(task.slot), this.granted))
      host.members[slots.runnerOf(task)]?.wake();
  }

  /** Stops the generator. */
  stop(reason: () => unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.reason = reason;
    this.generatorEnd.begin();
    this.target.ended(undefined);
  }

  /** The pool has ended: the reader gets the reason. */
  fail(error: () => Error): void {
    if (this.isOver) return;
    this.isLeft = true;
    const why = error();
    this.target.ended({ error: why });
    this.stop(() => why);
  }

  /** Rests if it waits for its reader. */
  rest(): void {
    if (this.isOver || this.rests || this.done < this.granted) return;
    this.rests = true;
    this.host.engine.rest(1);
  }

  /** Waits until the generator has ended, at most for the pool's grace. Rejects with its error. */
  sourceClosed(): Promise<void> {
    return this.generatorEnd.reached(this.host.grace);
  }

  private stopTask(): Promise<void> | undefined {
    if (this.task.resolve === undefined) return undefined;
    return new Promise((resolve, reject) => {
      this.stopped = { resolve, reject };
      giveUp(this.host, this.task, this.reason, false);
    });
  }

  private value(value: unknown): void {
    this.done++;
    if (this.isOver) return;
    this.target.item(this.done - 1, value);
    // A reader that waited has read it.
    this.pump();
    if (this.done < this.granted || this.looksSoon) return;
    // The reader may be about to read them.
    this.looksSoon = true;
    setImmediate(() => {
      this.looksSoon = false;
      this.rest();
    });
  }

  private goOn(): void {
    this.rests = false;
    this.host.engine.rest(-1);
  }

  /** The task has its outcome. */
  private ended(failure: { error: unknown } | undefined, isOfWorker = false): void {
    if (this.rests) this.goOn();
    if (this.stopped !== undefined) {
      // Report an error of its `finally`.
      if (failure !== undefined && isOfWorker && !this.isLeft) this.stopped.reject(failure.error);
      else this.stopped.resolve();
      return;
    }
    this.isOver = true;
    this.target.ended(failure);
  }
}
