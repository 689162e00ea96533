/**
 * SharedArray: numbers, or the bytes of text, in shared memory, with a lock beside them.
 *
 *   word   name             bits                                           written by
 *   +0     TYPE             code of number-type.ts                         the creator
 *   +2     LOCK             cell; 0 none                                   the creator
 *   +3     LOCK_GENERATION                                                 the creator
 *   +4 +5  COUNT            elements: low 32 bits, high 21 bits            the creator
 *
 * The elements lie one after the other in the object's file of data.
 */

import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import { openHandle } from '../objects/handles.ts';
import { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import type { Guard } from '../sync/lock/guard.ts';
import { NEEDS_GUARD } from '../sync/lock/guard.ts';
import type { ArrayDescription, LengthOrValues } from './array-object.ts';
import { ArrayObject, arrayIn } from './array-object.ts';
import type { GuardedData, GuardedOptions } from './guarding.ts';
import { describeLock, obtainGuarded, withLock } from './guarding.ts';
import type { ElementType, SmallIntegerType } from './number-type.ts';

export interface SharedArrayOptions extends GuardedOptions {}

export interface SharedArrayDescription extends ArrayDescription {
  lock: Description | null;
}

const GuardedArray: abstract new <Type extends ElementType>(
  lock: Guard | undefined,
  type: Kind,
  opened: Opened,
) => ArrayObject<Type> & GuardedData = withLock(ArrayObject) as never;

/**
 * An array of numbers that processes and threads share, with a fixed length and a lock.
 *
 * Types: those of Value, and `char` (Python's `c`) for text, which has `value` and `raw`. An array
 * that is made with a length is filled with zeros. Each `at` and each `set` is atomic and never
 * waits; steps that belong together need the lock. A value out of the type's range throws
 * `OutOfRangeError` (a `RangeError`) and changes nothing. *If a process dies*, no element is half
 * written, but text may be; a lock that it held is freed.
 *
 * @example
 * const sums = new SharedArray('f64', 1000);
 * sums.runSync(() => sums.set(0, sums.at(0) + 0.5));
 * const word = new SharedArray('char', 16);
 * word.value = 'hello';
 */
export class SharedArray<Type extends ElementType = SmallIntegerType> extends GuardedArray<Type> {
  /**
   * Throws `InvalidTypeError`, `OutOfRangeError`, and `NoSpaceError` if the shared memory is full.
   */
  constructor(type: Type, lengthOrValues: LengthOrValues<Type>, options?: SharedArrayOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: Type | Opened, lengthOrValues?: LengthOrValues<Type>, options?: SharedArrayOptions) {
    const made =
      source instanceof Opened
        ? { opened: source, lock: undefined }
        : obtainGuarded(SHARED_ARRAY_KIND, options, arrayIn(SHARED_ARRAY_KIND.name, source, lengthOrValues));
    super(made.lock, SHARED_ARRAY_KIND, made.opened);
  }

  /**
   * Opens the array that the handle stands for, with its lock. Throws `HandleError`,
   * `StaleHandleError`.
   */
  static open<Type extends ElementType = SmallIntegerType>(handle: string): SharedArray<Type> {
    return new SharedArray(openHandle(SHARED_ARRAY_KIND, handle));
  }

  override describe(): SharedArrayDescription {
    return { ...super.describe(), lock: describeLock(this) };
  }
}

export const SHARED_ARRAY_KIND: Kind = defineKind({
  number: 13,
  name: 'SharedArray',
  data: true,
  needs: NEEDS_GUARD,
  open: SharedArray.open,
});
