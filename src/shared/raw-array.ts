/**
 * RawArray: numbers, or the bytes of text, in shared memory, without a lock. Its words are those of
 * a SharedArray (shared-array.ts).
 */

import type { ObjectType } from '../agents/kinds.ts';
import type { ObjectOptions } from '../contracts.ts';
import { KIND } from '../memory/layout.ts';
import { obtainChecked } from '../objects/content.ts';
import { openHandle, registerClass } from '../objects/handles.ts';
import { Opened } from '../objects/opened.ts';
import type { LengthOrValues } from './array-object.ts';
import { ArrayObject, arrayIn } from './array-object.ts';
import type { ElementType, SmallIntegerType } from './number-type.ts';

const TYPE: ObjectType = { kind: KIND.SHARED_ARRAY, name: 'RawArray', serial: false, lasting: false };

/**
 * A SharedArray without a lock. The one of a name may also be opened as a SharedArray; it has no
 * lock then.
 *
 * @example
 * const pixels = new RawArray('u8', 640 * 480);
 * pixels.view.fill(255);
 */
export class RawArray<Type extends ElementType = SmallIntegerType> extends ArrayObject<Type> {
  /** Throws `InvalidTypeError`, `OutOfRangeError`, and `NoSpaceError` where there is no room. */
  constructor(type: Type, lengthOrValues: LengthOrValues<Type>, options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: Type | Opened, lengthOrValues?: LengthOrValues<Type>, options?: ObjectOptions) {
    super(
      TYPE,
      source instanceof Opened
        ? source
        : obtainChecked(TYPE, options, arrayIn(TYPE.name, source, lengthOrValues)),
    );
  }

  /** Opens the array that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open<Type extends ElementType = SmallIntegerType>(handle: string): RawArray<Type> {
    return new RawArray(openHandle(TYPE, handle));
  }
}

registerClass(TYPE.name, RawArray.open);
