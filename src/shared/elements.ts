/**
 * Elements: a row of numbers in shared memory, each access checked: of a SharedArray, or of a field
 * of a record.
 */

import { inspect } from 'node:util';
import { loadElement, loadFloat, storeElement, storeFloat } from '#atomics';
import { forbidSending } from '../codec/sendable.ts';
import { InvalidTypeError, OutOfRangeError } from '../errors.ts';
import type { FloatElement, IntegerElement } from '../memory/atomics.ts';
import { forJson } from '../objects/shared-object.ts';
import { showAs } from '../readable.ts';
import { endStrictly, refuseReadOnly } from '../strict.ts';
import type {
  ElementInputOf,
  ElementOf,
  ElementType,
  NumberType,
  NumberTypeFacts,
  ViewOf,
} from './number-type.ts';
import { fits, fromStored, toStored } from './number-type.ts';

/**
 * Elements of one type. Each read and each write of one of them is atomic.
 *
 * @example
 * const Sample = struct({ tags: 'u8[4]' });
 * const sample = new Sample();
 * sample.tags.set(-1, 7);
 * console.log([...sample.tags]);      // [ 0, 0, 0, 7 ]
 */
export class Elements<Type extends ElementType = NumberType> implements Iterable<ElementOf<Type>> {
  private readonly facts: NumberTypeFacts;
  private readonly stored: IntegerElement | FloatElement;
  /** How messages about them begin. */
  private readonly title: string;

  /** @internal */
  constructor(
    title: string,
    facts: NumberTypeFacts,
    buffer: ArrayBuffer,
    byteOffset: number,
    length: number,
  ) {
    this.title = title;
    this.facts = facts;
    this.stored = new facts.view(buffer, byteOffset, length);
  }

  /** The typed array on the shared bytes. Values stored through it are not checked, and wrap. */
  get view(): ViewOf<Type> {
    return this.stored as ViewOf<Type>;
  }

  get length(): number {
    return this.stored.length;
  }

  /**
   * The element; negative indexes count from the end. Throws `OutOfRangeError` if there is none;
   * never returns `undefined`.
   */
  at(index: number): ElementOf<Type> {
    const { facts, stored } = this;
    const at = indexIn(this.title, stored.length, index);
    const found =
      facts.family === 'float'
        ? loadFloat(stored as FloatElement, at)
        : loadElement(stored as IntegerElement, at);
    return fromStored(facts, found) as ElementOf<Type>;
  }

  /**
   * Stores a value; negative indexes count from the end. If it throws `OutOfRangeError` or
   * `InvalidTypeError`, nothing has changed.
   */
  set(index: number, value: ElementInputOf<Type>): void {
    const { facts, stored } = this;
    const at = indexIn(this.title, stored.length, index);
    if (facts.family === 'integer' && fits(facts, value)) {
      storeElement(stored as IntegerElement, value as number, at);
      return;
    }
    const fit = toStored(`${this.title}[${index}]`, facts, value);
    if (facts.family === 'float') storeFloat(stored as FloatElement, fit as number, at);
    else storeElement(stored as IntegerElement, fit, at);
  }

  /**
   * Stores the value in the elements from `start` up to, but not including, `end`; by default in
   * all. Negative indexes count from the end.
   */
  fill(value: ElementInputOf<Type>, start?: number, end?: number): this {
    const fit = toStored(this.title, this.facts, value);
    (this.stored as Int32Array).fill(fit as number, start, end);
    return this;
  }

  *[Symbol.iterator](): IterableIterator<ElementOf<Type>> {
    for (let index = 0; index < this.stored.length; index++) yield this.at(index);
  }

  /** A copy as plain values, which does not change with the original. */
  toArray(): ElementOf<Type>[] {
    return [...this];
  }

  /** @internal */
  static titleOf({ title }: Elements): string {
    return title;
  }

  /** The form that `JSON.stringify` writes: the numbers, with bigints as decimal text. */
  toJSON(): unknown {
    return forJson(this.toArray());
  }

  /** The first few, for people. */
  toString(): string {
    const shown = Array.from({ length: Math.min(this.length, SHOWN) }, (_, index) => inspect(this.at(index)));
    if (this.length > SHOWN) shown.push(`… ${this.length - SHOWN} more`);
    return `${this.facts.name}[${this.length}] [ ${shown.join(', ')} ]`;
  }
}

/** Elements that `toString` shows. */
const SHOWN = 8;

const family = {
  isOne: (object: object): boolean => object instanceof Elements,
  isOurs: (): boolean => true,
  titleOf: (object: object): string => Elements.titleOf(object as Elements),
};
endStrictly(Elements.prototype, family);
refuseReadOnly(Elements.prototype, family);

// A class member with this computed name could not be declared under isolatedDeclarations.
showAs(Elements);

forbidSending(
  Elements.prototype,
  'a row of numbers that lies in a shared object (send that one, or toArray() for a copy)',
);

/**
 * The index from the beginning. Throws `InvalidTypeError` or `OutOfRangeError` unless something is
 * there.
 */
export function indexIn(title: string, length: number, index: unknown): number {
  if (typeof index !== 'number')
    throw new InvalidTypeError(
      `${title}: refused, the index ${inspect(index)} is not a number; pass a whole number`,
    );
  const at = index < 0 ? length + index : index;
  if (Number.isInteger(at) && at >= 0 && at < length) return at;
  const range =
    length === 0 ? 'there is nothing in it' : `use a whole number from ${-length} to ${length - 1}`;
  throw new OutOfRangeError(
    `${title}: refused, the index ${index} is outside of its length ${length}; ${range}`,
  );
}

/** The values as they are stored, checked one by one before anything is done with them. */
export function storedValues(
  title: string,
  facts: NumberTypeFacts,
  values: Iterable<unknown>,
): IntegerElement | FloatElement {
  const stored = Array.from(values, (value, index) => toStored(`${title}[${index}]`, facts, value));
  const bytes = new ArrayBuffer(stored.length * facts.view.BYTES_PER_ELEMENT);
  const view = new facts.view(bytes, 0, stored.length);
  (view as Int32Array).set(stored as number[]);
  return view;
}
