/** ThreadLocal: a variable with another value in every thread, and in every `run` within one. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect } from 'node:util';
import { forbidSending } from '../codec/sendable.ts';
import { InvalidTypeError } from '../errors.ts';

/** One scope's value. */
interface Box<T> {
  value: T | undefined;
  isSet: boolean;
}

/**
 * A variable with a separate value in each thread of each process. Export it from a module: every
 * thread that imports the module sees its own value. `run(fn)` gives `fn`, and all that it awaits,
 * a separate value within the thread.
 *
 * ```ts
 * export const connection = new ThreadLocal(() => connect());
 * connection.value.query('…'); // connects once in each thread that comes here
 * ```
 */
export class ThreadLocal<T> {
  private readonly initial: (() => T) | undefined;
  private readonly top: Box<T> = newBox();
  /** Made by the first `run`: a thread that never calls it doesn't pay for it. */
  private storage: AsyncLocalStorage<Box<T>> | undefined;

  /**
   * Throws `InvalidTypeError`.
   *
   * @param initial makes the first value, once in each scope that asks for one
   */
  constructor(initial?: () => T) {
    if (initial !== undefined && typeof initial !== 'function') {
      throw new InvalidTypeError(
        `ThreadLocal: refused, ${inspect(initial)} is not a function; pass one that makes the first value, such as () => 5`,
      );
    }
    this.initial = initial;
    forbidSending(this, 'a ThreadLocal, which is another in every thread (export it from a module)');
  }

  /** The value of the running scope; `undefined` if none was set and there is no `initial`. */
  get value(): T {
    const box = this.box();
    if (!box.isSet && this.initial !== undefined) this.value = this.initial();
    return box.value as T;
  }

  set value(value: T) {
    Object.assign(this.box(), { value, isSet: true });
  }

  /** Whether the running scope has a value. */
  get isSet(): boolean {
    return this.box().isSet;
  }

  /** Removes the value of the running scope. */
  clear(): void {
    Object.assign(this.box(), newBox<T>());
  }

  /** Runs `fn` in a new scope, which begins without a value and includes all that `fn` awaits. */
  run<Result>(fn: () => Result): Result {
    this.storage ??= new AsyncLocalStorage();
    return this.storage.run(newBox(), fn);
  }

  private box(): Box<T> {
    return this.storage?.getStore() ?? this.top;
  }
}

function newBox<T>(): Box<T> {
  return { value: undefined, isSet: false };
}
