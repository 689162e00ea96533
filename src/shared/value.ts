/**
 * Value: one number in shared memory, with a lock beside it.
 *
 *   word   name             bits                      written by
 *   +0     TYPE             code of number-type.ts    the creator
 *   +2     LOCK             cell; 0 none              the creator
 *   +3     LOCK_GENERATION                            the creator
 *   +4 +5  DATA             8 bytes, aligned          anyone
 */

import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import { openHandle } from '../objects/handles.ts';
import { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import type { Guard } from '../sync/lock/guard.ts';
import { NEEDS_GUARD } from '../sync/lock/guard.ts';
import type { GuardedData, GuardedOptions } from './guarding.ts';
import { describeLock, obtainGuarded, withLock } from './guarding.ts';
import type { InputOf, NumberType, SmallIntegerType } from './number-type.ts';
import type { NumberDescription } from './shared-number.ts';
import { numberIn, SharedNumber } from './shared-number.ts';

export interface ValueOptions extends GuardedOptions {}

/** The state of a value, as `describe()` returns it. */
export interface ValueDescription extends NumberDescription {
  lock: Description | null;
}

const GuardedNumber: abstract new <Type extends NumberType>(
  lock: Guard | undefined,
  type: Kind,
  opened: Opened,
) => SharedNumber<Type> & GuardedData = withLock(SharedNumber) as never;

/**
 * A number that processes and threads share, with a lock beside it.
 *
 * Types: `i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 bool`, and Python's codes `b B h H i I l L q Q f
 * d`. Values of `i64` and `u64` are bigints. A value out of the type's range throws
 * `OutOfRangeError` (a `RangeError`) and changes nothing. Reading, writing and the atomic
 * operations never wait; `run` waits for the lock. *If a process dies*, the number is never half
 * written; if it held the lock, the lock is freed, as an RLock is.
 *
 * @example
 * const counter = new Value('i32', 0);
 * counter.add(1);                                   // one atomic step
 * counter.runSync(() => { counter.value *= 2; });     // several steps, inside its lock
 */
export class Value<Type extends NumberType = SmallIntegerType> extends GuardedNumber<Type> {
  /** `initial` is 0 by default. Throws `InvalidTypeError`, `OutOfRangeError`. */
  constructor(type: Type, initial?: InputOf<Type>, options?: ValueOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: Type | Opened, initial?: InputOf<Type>, options?: ValueOptions) {
    const made =
      source instanceof Opened
        ? { opened: source, lock: undefined }
        : obtainGuarded(VALUE_KIND, options, numberIn(VALUE_KIND.name, source, initial));
    super(made.lock, VALUE_KIND, made.opened);
  }

  /**
   * Opens the value that the handle stands for, with its lock. Throws `HandleError`,
   * `StaleHandleError`.
   */
  static open<Type extends NumberType = SmallIntegerType>(handle: string): Value<Type> {
    return new Value(openHandle(VALUE_KIND, handle));
  }

  override describe(): ValueDescription {
    return { ...super.describe(), lock: describeLock(this) };
  }
}

export const VALUE_KIND: Kind = defineKind({
  number: 10,
  name: 'Value',
  needs: NEEDS_GUARD,
  open: Value.open,
});
