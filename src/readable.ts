/**
 * Readable: the view that `console.log` and `util.inspect` show of an object, instead of private
 * fields.
 */

import { inspect } from 'node:util';

/**
 * The result of `tell`, for `util.inspect`. Where it throws, the reason: the prototype of a class
 * is not an object of it.
 */
export function readable(tell: () => unknown): unknown {
  try {
    return tell();
  } catch (error) {
    return `<can't be read: ${reasonOf(error)}>`;
  }
}

/**
 * From now on `util.inspect` shows objects of the class as `tell` says, and never throws. Default:
 * their `toString()`.
 */
export function showAs<T extends object>(
  Class: { readonly prototype: T },
  tell: (object: T) => unknown = String,
): void {
  // A class member with this computed name could not be declared under isolatedDeclarations.
  Object.defineProperty(Class.prototype, inspect.custom, {
    configurable: true,
    value(this: T): unknown {
      return readable(() => tell(this));
    },
  });
}

/** As `showAs`, and JSON has the same text: the object has no other data to show. */
export function showAsText<T extends object>(Class: { readonly prototype: T }): void {
  showAs(Class);
  Object.defineProperty(Class.prototype, 'toJSON', {
    configurable: true,
    value(this: T): unknown {
      return readable(() => String(this));
    },
  });
}

/** The message of an error, or how another thrown value is shown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : inspect(error);
}
