/**
 * ArrayObject: the common part of SharedArray and RawArray: a row of elements in a data file.
 */

import { inspect } from 'node:util';
import { load, store } from '#atomics';
import type { Cell } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { InvalidTypeError, LayoutError, OutOfRangeError } from '../errors.ts';
import { CELL_BODY } from '../memory/layout.ts';
import type { Content } from '../objects/content.ts';
import type { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { describeArray, loadCount } from './data-facts.ts';
import { checkWithin, DataObject, storeCount } from './data-object.ts';
import { Elements, storedValues } from './elements.ts';
import type {
  ElementInputOf,
  ElementOf,
  ElementType,
  NumberTypeFacts,
  SmallIntegerType,
  ViewOf,
} from './number-type.ts';
import { elementType, elementTypeCoded, isText } from './number-type.ts';
import { bytesOfText, textUpToNul } from './text-bytes.ts';

const TYPE_WORD: number = CELL_BODY;

/** The state of a shared array, as `describe()` returns it. */
export interface ArrayDescription extends Description {
  type: string;
  length: number;
  /** The first elements, at most 16. */
  first: (number | bigint | boolean)[];
}

/** A length, or the first values of the array; for text, a string or bytes. */
export type LengthOrValues<Type extends ElementType> =
  | number
  | Iterable<ElementInputOf<Type>>
  | (Type extends 'char' | 'c' ? string : never);
/** The type of `value`: only arrays of text have one. */
export type TextOf<Type extends ElementType> = Type extends 'char' | 'c' ? string : never;
/** Values that may be stored as `value` and `raw`. */
export type TextInputOf<Type extends ElementType> = Type extends 'char' | 'c' ? string | Uint8Array : never;

const FIRST = 16;

export abstract class ArrayObject<Type extends ElementType = SmallIntegerType>
  extends DataObject<Elements<Type>>
  implements Iterable<ElementOf<Type>>
{
  private readonly typeName: string;
  private readonly kind: string;
  private readonly text: boolean;

  constructor(objectType: Kind, opened: Opened) {
    super(
      objectType,
      opened,
      (cell) => bytesFor(factsOf(cell), loadCount(cell)),
      (buffer, cell, title) => {
        const facts = factsOf(cell);
        const length = loadCount(cell);
        checkWithin(cell, bytesFor(facts, length), buffer);
        return new Elements(title, facts, buffer, 0, length);
      },
    );
    const facts = factsOf(this.cell);
    this.kind = objectType.name;
    this.typeName = facts.name;
    this.text = isText(facts);
  }

  /** The name of the type, such as `i32`; never Python's code. */
  get type(): string {
    return this.typeName;
  }

  /** The number of elements. It never changes. */
  get length(): number {
    return this.opened.length;
  }

  /**
   * The element; negative indexes count from the end. Throws `OutOfRangeError` if there is none.
   * Unlike `at` of JavaScript's arrays, it never returns `undefined`.
   */
  at(index: number): ElementOf<Type> {
    return this.opened.at(index);
  }

  /**
   * Stores a value; negative indexes count from the end. If it throws `OutOfRangeError` or
   * `InvalidTypeError`, nothing has changed.
   */
  set(index: number, value: ElementInputOf<Type>): void {
    this.opened.set(index, value);
  }

  /**
   * Stores the value in the elements from `start` up to, but not including, `end`; by default in
   * all. Negative indexes count from the end.
   */
  fill(value: ElementInputOf<Type>, start?: number, end?: number): this {
    this.opened.fill(value, start, end);
    return this;
  }

  [Symbol.iterator](): IterableIterator<ElementOf<Type>> {
    DataObject.lend(this);
    return this.opened[Symbol.iterator]();
  }

  /** A copy as plain values, which does not change with the original. */
  toArray(): ElementOf<Type>[] {
    return this.opened.toArray();
  }

  /**
   * A typed array on the shared bytes. This is the fastest access, but neither atomic nor checked:
   * values that do not fit wrap around. It can still be used after `close()`. As long as you keep
   * it, the object stays open.
   */
  get view(): ViewOf<Type> {
    DataObject.lend(this);
    return this.opened.view;
  }

  /**
   * For text: the part before the first NUL byte. Setting text that is too long throws
   * `OutOfRangeError`; text that fits exactly is stored without a NUL.
   */
  get value(): TextOf<Type> {
    return textUpToNul(this.bytes('value')) as TextOf<Type>;
  }

  set value(value: TextInputOf<Type>) {
    const bytes = this.bytes('value');
    const given = this.fitting(value, bytes);
    bytes.set(given);
    if (given.length < bytes.length) bytes[given.length] = 0;
  }

  /**
   * For text: a copy of all bytes. If you set fewer bytes than the array has, they are stored at
   * its beginning.
   */
  get raw(): Buffer {
    return Buffer.from(this.bytes('raw'));
  }

  set raw(value: TextInputOf<Type>) {
    const bytes = this.bytes('raw');
    bytes.set(this.fitting(value, bytes));
  }

  override describe(): ArrayDescription {
    return SharedObject.describe(this, () => {
      const { length } = this;
      const first = Array.from({ length: Math.min(length, FIRST) }, (_, index) => this.at(index));
      const { kind, name, handle, type, cell } = this;
      const { state } = describeArray(cell.agent.namespace, cell);
      return { kind, name: name ?? null, handle, type, ...state, first: first as number[] };
    });
  }

  protected override summary(): string {
    return this.text ? `${this.type}[${this.length}] ${inspect(this.value)}` : this.opened.toString();
  }

  private get opened(): Elements<Type> {
    return DataObject.dataOf(this);
  }

  private bytes(member: string): Uint8Array {
    const { opened } = this;
    if (this.text) return opened.view as Uint8Array;
    throw new InvalidTypeError(
      `${this.title}: has no .${member}, its elements are ${this.type} and not char; use at(), set() or .view`,
    );
  }

  private fitting(value: unknown, { length }: Uint8Array): Uint8Array {
    const given = bytesOfText(this.title, value);
    if (given.length <= length) return given;
    throw new OutOfRangeError(
      `${this.title}: refused, the text has ${given.length} bytes and the array ${length}; shorten it, or make a longer array`,
    );
  }
}

/**
 * Checks the arguments of a constructor; gives what makes the data, and what looks whether an array
 * that was found is the one wanted.
 */
export function arrayIn(kind: string, type: unknown, source: unknown): Content {
  const facts = elementType(kind, type);
  const content = typeof source === 'number' ? undefined : contentOf(kind, facts, source);
  const length = content?.length ?? checkedLength(kind, source as number);
  return {
    make(place, agent): void {
      store(place.words, place.at + TYPE_WORD, facts.code);
      storeCount(place, length);
      const bytes = content && new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
      agent.namespace.makeData(place, bytesFor(facts, length), { content: bytes });
    },
    check({ cell, name }): void {
      const found = factsOf(cell);
      const there = loadCount(cell);
      if (found === facts && there === length) return;
      throw new InvalidTypeError(
        `${kind} ${JSON.stringify(name)}: refused, the one of that name is ${found.name}[${there}], not ${facts.name}[${length}]; ` +
          'open it with its type and length',
      );
    },
  };
}

/** At least one: there are no empty mappings. */
function bytesFor({ view }: NumberTypeFacts, length: number): number {
  return Math.max(1, length * view.BYTES_PER_ELEMENT);
}

function factsOf({ words, at }: Cell): NumberTypeFacts {
  const code = load(words, at + TYPE_WORD);
  const facts = elementTypeCoded(code);
  if (facts !== undefined) return facts;
  throw new LayoutError(
    `shared array: can't be opened, its cell names the type ${code}, which does not exist; it was damaged, make the array again`,
  );
}

function contentOf(
  kind: string,
  facts: NumberTypeFacts,
  source: unknown,
): Uint8Array | ReturnType<typeof storedValues> {
  if (isText(facts) && (typeof source === 'string' || source instanceof Uint8Array)) {
    return Uint8Array.from(bytesOfText(kind, source));
  }
  if (typeof source === 'object' && source !== null && Symbol.iterator in source) {
    return storedValues(kind, facts, source as Iterable<unknown>);
  }
  throw new InvalidTypeError(
    `${kind}: refused, ${inspect(source)} is neither a length nor values; pass e.g. 100 or [1, 2, 3]`,
  );
}

/** Throws `OutOfRangeError` unless the length can be one. */
export function checkedLength(kind: string, length: number): number {
  if (Number.isSafeInteger(length) && length >= 0) return length;
  throw new OutOfRangeError(`${kind}: refused, the length is ${length}; pass a whole number from 0 on`);
}
