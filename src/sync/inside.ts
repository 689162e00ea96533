/**
 * Inside: takes an object, runs a function, and gives the object back however the function ends.
 */

import { inspect } from 'node:util';
import type { Hold } from '../contracts.ts';
import type { WaitOptions } from '../deadline.ts';
import { InvalidTypeError } from '../errors.ts';

/** Objects that can be taken: a lock, a permit, a side of a reader-writer lock. */
interface Takeable {
  acquire(options: WaitOptions): Promise<Hold | null>;
  acquireSync(options: WaitOptions): Hold | null;
}

/** Runs `fn` with `taken` taken. `null` if the timeout passed before. `title` begins messages. */
export async function runInside<Result>(
  taken: Takeable,
  title: string,
  fn: () => Result | Promise<Result>,
  options: WaitOptions | undefined,
): Promise<Result | null> {
  checkFunction(title, fn);
  const hold = await taken.acquire(options ?? {});
  if (hold === null) return null;
  try {
    return await fn();
  } finally {
    hold.release();
  }
}

/** The same; *blocks* the thread. Throws `InvalidTypeError` if `fn` returns a promise. */
export function runInsideSync<Result>(
  taken: Takeable,
  title: string,
  fn: () => Result,
  options: WaitOptions | undefined,
): Result | null {
  checkFunction(title, fn);
  const hold = taken.acquireSync(options ?? {});
  if (hold === null) return null;
  try {
    return checkSynchronous(title, fn());
  } finally {
    hold.release();
  }
}

/** Throws `InvalidTypeError` unless the value is a function. */
export function checkFunction(title: string, fn: unknown): void {
  if (typeof fn === 'function') return;
  throw new InvalidTypeError(
    `${title}: refused, ${inspect(fn)} is not a function; pass one that does the work`,
  );
}

/**
 * Returns the result of a synchronous function; throws if that is a promise, because its work would
 * run outside the lock.
 */
export function checkSynchronous<Result>(title: string, result: Result): Result {
  if (!isLater(result)) return result;
  throw new InvalidTypeError(
    `${title}: runSync refused a promise, its work would go on after the release; use run() for async functions`,
  );
}

/**
 * Returns the result of a predicate; throws if that is a promise or a generator, which would always
 * count as true.
 */
export function checkAnswer<Value>(title: string, value: Value): Value {
  if (!isLater(value) && Object.prototype.toString.call(value) !== '[object Generator]') return value;
  throw new InvalidTypeError(
    `${title}: waitFor refused a promise or generator, it would count as true at once; pass a predicate that is not async and returns its answer`,
  );
}

/** Whether the result shows that its function has not finished its work. */
function isLater(result: unknown): boolean {
  if (result === null || typeof result !== 'object') return false;
  if (typeof (result as { then?: unknown }).then === 'function') return true;
  return Object.prototype.toString.call(result) === '[object AsyncGenerator]';
}
