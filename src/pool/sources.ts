/** Sources: provide the items of a map, a chunk at a time. */

import { AsyncResource } from 'node:async_hooks';
import { types } from 'node:util';
import { setImmediate } from '#clock';
import { InvalidTypeError } from '../errors.ts';
import { MODE } from './messages.ts';
import { Range } from './range.ts';

/** Items that travel together. */
export interface Items {
  readonly payload: readonly unknown[];
  readonly count: number;
}

/**
 * The answer to a pull: items; `end`; or `later`, and then `arrived` is called.
 */
export type Pulled = Items | 'end' | 'later';

export interface Source {
  /** Number of all items, where that is known before. */
  readonly total: number | undefined;
  readonly isRange: boolean;
  /** Takes up to `most` items. Throws the source's errors. */
  pull(most: number): Pulled;
  /**
   * No more items are wanted. Returns a promise of the source's end where that takes a while.
   * Throws the source's errors.
   */
  stop(): Promise<unknown> | undefined;
}

type Items_ = Iterable<unknown> | AsyncIterable<unknown>;

/**
 * `arrived` is called when a source that was to give items later has some, or has ended. Throws
 * `InvalidTypeError`.
 */
export function sourceOf(items: Items_, title: string, arrived: () => void): Source {
  if (items instanceof Range) return new RangeSource(items);
  if (Array.isArray(items)) return new ListSource(items);
  if (types.isTypedArray(items)) return new ListSource(Array.from(items as Iterable<unknown>));
  const candidate = items as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  if (typeof candidate?.[Symbol.asyncIterator] === 'function')
    return new AsyncSource((candidate as AsyncIterable<unknown>)[Symbol.asyncIterator](), arrived);
  if (typeof candidate?.[Symbol.iterator] === 'function') {
    const { size } = candidate as { size?: unknown };
    const total = types.isSet(candidate) || types.isMap(candidate) ? (size as number) : undefined;
    return new IteratorSource((candidate as Iterable<unknown>)[Symbol.iterator](), total);
  }
  throw new InvalidTypeError(
    `${title}: refused, its items are ${String(items)}; pass an array, or anything that can be iterated`,
  );
}

/** The items from number `from` up to `to`. */
export function partOf(items: Items, isRange: boolean, from: number, to: number): Items {
  const count = to - from;
  if (isRange) return { payload: [(items.payload[0] as number) + from], count };
  return { payload: items.payload.slice(from, to), count };
}

/** Reports an error that a source threw at its end, if nobody waits for that end. */
export function warnOfSource(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}

export const modeOf = (isRange: boolean, isTuples: boolean): number =>
  isRange ? MODE.RANGE : isTuples ? MODE.TUPLES : MODE.ITEMS;

class RangeSource implements Source {
  readonly total: number;
  readonly isRange = true;
  private readonly range: Range;
  private next: number;

  constructor(range: Range) {
    this.range = range;
    this.total = range.length;
    this.next = range.start;
  }

  pull(most: number): Pulled {
    const count = Math.min(most, this.range.end - this.next);
    if (count <= 0) return 'end';
    const first = this.next;
    this.next += count;
    return { payload: [first], count };
  }

  stop(): undefined {
    this.next = this.range.end;
  }
}

class ListSource implements Source {
  readonly total: number;
  readonly isRange = false;
  private readonly list: readonly unknown[];
  private next = 0;

  constructor(list: readonly unknown[]) {
    this.list = list;
    this.total = list.length;
  }

  pull(most: number): Pulled {
    const payload = this.list.slice(this.next, Math.min(this.next + most, this.total));
    if (payload.length === 0) return 'end';
    this.next += payload.length;
    return { payload, count: payload.length };
  }

  stop(): undefined {
    this.next = this.total;
  }
}

/** The program's code in a source runs in the context of the call that was given the source. */
const CONTEXT = 'LockstepSource';

class IteratorSource implements Source {
  readonly total: number | undefined;
  readonly isRange = false;
  private readonly context = new AsyncResource(CONTEXT);
  private readonly iterator: Iterator<unknown>;
  private failure: { error: unknown } | undefined;
  private over = false;

  constructor(iterator: Iterator<unknown>, total: number | undefined) {
    this.iterator = iterator;
    this.total = total;
  }

  pull(most: number): Pulled {
    if (this.failure !== undefined) {
      const { error } = this.failure;
      this.failure = undefined;
      throw error;
    }
    return this.context.runInAsyncScope(this.take, this, most);
  }

  private take(most: number): Pulled {
    const payload: unknown[] = [];
    try {
      while (!this.over && payload.length < most) {
        const { done, value } = this.iterator.next();
        if (done === true) this.over = true;
        else payload.push(value);
      }
    } catch (error) {
      this.over = true;
      // Items that came before the error go first.
      if (payload.length === 0) throw error;
      this.failure = { error };
    }
    return payload.length === 0 ? 'end' : { payload, count: payload.length };
  }

  stop(): undefined {
    if (this.over) return;
    this.over = true;
    this.context.runInAsyncScope(() => void this.iterator.return?.());
  }
}

/**
 * Asks for one item after the other, and delivers them in a batch when the source makes it wait.
 */
class AsyncSource implements Source {
  readonly total = undefined;
  readonly isRange = false;
  private readonly context = new AsyncResource(CONTEXT);
  private readonly iterator: AsyncIterator<unknown>;
  private readonly arrived: () => void;
  private come: unknown[] = [];
  private wanted = 0;
  private asking = false;
  private telling = false;
  private over = false;
  private failure: { error: unknown } | undefined;

  constructor(iterator: AsyncIterator<unknown>, arrived: () => void) {
    this.iterator = iterator;
    this.arrived = arrived;
  }

  pull(most: number): Pulled {
    if (this.come.length > 0) {
      const payload = this.come.splice(0, most);
      return { payload, count: payload.length };
    }
    if (this.failure !== undefined) {
      const { error } = this.failure;
      this.failure = undefined;
      throw error;
    }
    if (this.over) return 'end';
    this.wanted = most;
    if (!this.asking) void this.context.runInAsyncScope(this.ask, this);
    return 'later';
  }

  stop(): Promise<unknown> | undefined {
    if (this.over) return undefined;
    this.over = true;
    this.come = [];
    return this.context.runInAsyncScope(() => this.iterator.return?.());
  }

  private async ask(): Promise<void> {
    this.asking = true;
    try {
      while (this.come.length < this.wanted && !this.over) {
        const { done, value } = await this.iterator.next();
        if (this.over) return;
        if (done === true) this.over = true;
        else this.come.push(value);
        this.tellSoon();
      }
    } catch (error) {
      this.over = true;
      this.failure = { error };
      this.tellSoon();
    } finally {
      this.asking = false;
    }
  }

  /** Items that come in the same turn of the event loop travel together. */
  private tellSoon(): void {
    if (this.telling) return;
    this.telling = true;
    setImmediate(() => {
      this.telling = false;
      this.arrived();
    });
  }
}
