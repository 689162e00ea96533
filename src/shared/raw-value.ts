/**
 * RawValue: one number in shared memory, without a lock. Its words are those of a Value (value.ts).
 */

import type { ObjectType } from '../agents/kinds.ts';
import type { ObjectOptions } from '../contracts.ts';
import { KIND } from '../memory/layout.ts';
import { obtainChecked } from '../objects/content.ts';
import { openHandle, registerClass } from '../objects/handles.ts';
import { Opened } from '../objects/opened.ts';
import type { InputOf, NumberType, SmallIntegerType } from './number-type.ts';
import { numberIn, SharedNumber } from './shared-number.ts';

const TYPE: ObjectType = { kind: KIND.VALUE, name: 'RawValue', serial: false, lasting: false };

/**
 * A Value without a lock: half its memory, and a little faster to make and to open. Types, ranges
 * and the atomic operations are those of Value. The one of a name may also be opened as a Value; it
 * has no lock then.
 *
 * @example
 * const served = new RawValue('u32');
 * served.add(1);
 */
export class RawValue<Type extends NumberType = SmallIntegerType> extends SharedNumber<Type> {
  /** `initial` is 0 by default. Throws `InvalidTypeError`, `OutOfRangeError`. */
  constructor(type: Type, initial?: InputOf<Type>, options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: Type | Opened, initial?: InputOf<Type>, options?: ObjectOptions) {
    super(
      TYPE,
      source instanceof Opened ? source : obtainChecked(TYPE, options, numberIn(TYPE.name, source, initial)),
    );
  }

  /** Opens the value that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open<Type extends NumberType = SmallIntegerType>(handle: string): RawValue<Type> {
    return new RawValue(openHandle(TYPE, handle));
  }
}

registerClass(TYPE.name, RawValue.open);
