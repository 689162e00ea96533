/** As completed: the outcomes of tasks, in the order in which they come. */

import { inspect } from 'node:util';
import { clearTimeout, setTimeout } from '#clock';
import { onAbort } from '../aborts.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { InvalidTypeError, TimedOutError } from '../errors.ts';
import { noteOrigin, withOrigin } from '../stacks.ts';

const TITLE = 'asCompleted';
const END = { done: true, value: undefined } as const;

interface Outcome {
  readonly ok: boolean;
  readonly value: unknown;
}

interface Asker {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Iterates over the results of the tasks (or of any promises), each as soon as it is there. A task
 * that is given twice comes once. Results that were read are not kept in memory.
 *
 * If a task failed, `next()` rejects with its error; call `next()` again for the others. Rejects
 * with `TimedOutError` at the timeout, counted from the call of `asCompleted`; the message says how
 * many results are missing. *Cancels* by `signal`. Leaving the loop cancels no task.
 *
 * Throws `InvalidTypeError`.
 *
 * @example
 * const tasks = urls.map((url) => pool.submit(fetchPage, [url]));
 * for await (const page of asCompleted(tasks)) console.log(page.title);
 */
export function asCompleted<Task extends PromiseLike<unknown>>(
  tasks: Iterable<Task>,
  options?: WaitOptions,
): AsyncIterableIterator<Awaited<Task>> {
  return new Completions(distinct(tasks), Deadline.begin(options)) as AsyncIterableIterator<Awaited<Task>>;
}

class Completions implements AsyncIterableIterator<unknown> {
  private readonly total: number;
  /** Tasks that have no outcome yet. */
  private missing: number;
  private readonly deadline: Deadline;
  private come: Outcome[] = [];
  private askers: Asker[] = [];
  private timer: NodeJS.Timeout | undefined;
  private ignoreAbort: (() => void) | undefined;
  private isLeft = false;

  constructor(tasks: ReadonlySet<PromiseLike<unknown>>, deadline: Deadline) {
    this.total = tasks.size;
    this.missing = tasks.size;
    this.deadline = deadline;
    for (const task of tasks) {
      task.then(
        (value) => this.arrived({ ok: true, value }),
        (value: unknown) => this.arrived({ ok: false, value }),
      );
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      this.askers.push({ resolve, reject });
      this.answer();
      if (this.askers.length > 0) this.watch();
    });
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.isLeft = true;
    this.come = [];
    this.answer();
    return Promise.resolve(END);
  }

  private arrived(outcome: Outcome): void {
    this.missing--;
    if (this.isLeft) return;
    this.come.push(outcome);
    this.answer();
  }

  private answer(): void {
    while (this.askers.length > 0) {
      const outcome = this.come.shift();
      if (outcome === undefined && this.missing > 0 && !this.isLeft) return;
      const { resolve, reject } = this.askers.shift()!;
      if (outcome === undefined) resolve(END);
      else if (outcome.ok) resolve({ done: false, value: outcome.value });
      else reject(outcome.value);
    }
    this.unwatch();
  }

  /** A reader waits: sets the timer of the deadline. */
  private watch(): void {
    if (this.timer !== undefined || this.ignoreAbort !== undefined) return;
    const { signal, timed, remaining } = this.deadline;
    if (signal?.aborted === true) this.refuse(() => signal.reason);
    else if (signal !== undefined) this.ignoreAbort = onAbort(signal, () => this.refuse(() => signal.reason));
    if (!timed) return;
    const origin = noteOrigin();
    this.timer = setTimeout(() => this.refuse(() => withOrigin(this.late(), origin)), Math.ceil(remaining));
  }

  private unwatch(): void {
    clearTimeout(this.timer);
    this.ignoreAbort?.();
    this.timer = undefined;
    this.ignoreAbort = undefined;
  }

  private refuse(reason: () => unknown): void {
    this.unwatch();
    for (const { reject } of this.askers.splice(0)) reject(reason());
  }

  private late(): TimedOutError {
    return new TimedOutError(
      `${TITLE}: given up, ${this.missing} of ${this.total} tasks have not ended within the timeout; wait longer, or cancel them`,
    );
  }
}

function distinct(tasks: unknown): Set<PromiseLike<unknown>> {
  if (tasks === null || typeof tasks !== 'object' || !(Symbol.iterator in tasks)) {
    throw new InvalidTypeError(
      `${TITLE}: refused, ${inspect(tasks, { depth: 0 })} can't be iterated; pass an array of tasks`,
    );
  }
  const found = new Set<PromiseLike<unknown>>();
  for (const task of tasks as Iterable<unknown>) {
    if (
      task === null ||
      typeof task !== 'object' ||
      typeof (task as PromiseLike<unknown>).then !== 'function'
    ) {
      throw new InvalidTypeError(
        `${TITLE}: refused, ${inspect(task, { depth: 0 })} among the tasks is no promise; pass what submit() or apply() gave`,
      );
    }
    found.add(task as PromiseLike<unknown>);
  }
  return found;
}
