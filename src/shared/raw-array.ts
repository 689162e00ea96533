/**
 * RawArray: numbers, or the bytes of text, in shared memory, without a lock. Its words are those of
 * a SharedArray (shared-array.ts).
 */

import type { Kind } from '../agents/kinds.ts';
import { defineClassOf } from '../agents/kinds.ts';
import type { ObjectOptions } from '../contracts.ts';
import { obtainChecked } from '../objects/content.ts';
import { openHandle } from '../objects/handles.ts';
import { Opened } from '../objects/opened.ts';
import type { LengthOrValues } from './array-object.ts';
import { ArrayObject, arrayIn } from './array-object.ts';
import type { ElementType, SmallIntegerType } from './number-type.ts';
import { SHARED_ARRAY_KIND } from './shared-array.ts';

/**
 * A SharedArray without a lock; no call waits. A RawArray with a name may also be opened as a
 * SharedArray, which then has no lock. *If a process dies*, no element is half written, but text
 * may be.
 *
 * @example
 * const pixels = new RawArray('u8', 640 * 480);
 * pixels.view.fill(255);
 */
export class RawArray<Type extends ElementType = SmallIntegerType> extends ArrayObject<Type> {
  /**
   * Throws `InvalidTypeError`, `OutOfRangeError`, and `NoSpaceError` if the shared memory is full.
   */
  constructor(type: Type, lengthOrValues: LengthOrValues<Type>, options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: Type | Opened, lengthOrValues?: LengthOrValues<Type>, options?: ObjectOptions) {
    super(
      RAW_ARRAY_KIND,
      source instanceof Opened
        ? source
        : obtainChecked(RAW_ARRAY_KIND, options, arrayIn(RAW_ARRAY_KIND.name, source, lengthOrValues)),
    );
  }

  /** Opens the array that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open<Type extends ElementType = SmallIntegerType>(handle: string): RawArray<Type> {
    return new RawArray(openHandle(RAW_ARRAY_KIND, handle));
  }
}

export const RAW_ARRAY_KIND: Kind = defineClassOf(SHARED_ARRAY_KIND, {
  name: 'RawArray',
  open: RawArray.open,
});
