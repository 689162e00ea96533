/**
 * List items: how the values of a ShareableList lie in its file of data.
 *
 *   a word pair for each item     OFFSET  where its slot begins, in units of 8 bytes
 *                                 TAG     31…28 type | 27…0 bytes of text, or what a boolean is
 *   then the slots                each of a multiple of 8 bytes, at least 8, up to where the next
 *                                 begins
 *
 * The tag is one word: a reader sees the type and the length that belong together, also while
 * another thread writes. Text is written before its tag. A slot that lies outside of the data is
 * refused.
 */

import { inspect } from 'node:util';
import { loadElement, storeElement } from '#atomics';
import { InvalidTypeError, LayoutError, OutOfRangeError } from '../errors.ts';
import { bytesOfText } from './text-bytes.ts';

/** The values that a ShareableList can hold. Numbers are 64-bit floats, bigints 64-bit integers. */
export type ListValue = string | number | bigint | boolean | null | Uint8Array;

const NULL = 0;
const BOOLEAN = 1;
const NUMBER = 2;
const BIGINT = 3;
const TEXT = 4;
const BYTES = 5;

const UNIT = 8;
const PAIR_BYTES = 8;
const TYPE_SHIFT = 28;
const LENGTH_MASK = 0x0fffffff;
const LEAST_INTEGER = -(2n ** 63n);
const MOST_INTEGER = 2n ** 63n - 1n;

/** A value ready to be stored: its tag, and the content of its slot. */
interface Item {
  readonly tag: number;
  readonly content: Uint8Array<ArrayBufferLike>;
}

const NOTHING = new Uint8Array();

/**
 * Checks the value. Throws `InvalidTypeError` for what a list can't hold, `OutOfRangeError` for
 * what does not fit 64 bits.
 */
export function itemOf(title: string, value: unknown): Item {
  switch (typeof value) {
    case 'boolean':
      return { tag: tagOf(BOOLEAN, value ? 1 : 0), content: NOTHING };
    case 'number':
      return { tag: tagOf(NUMBER, UNIT), content: new Uint8Array(Float64Array.of(value).buffer) };
    case 'bigint':
      if (value < LEAST_INTEGER || value > MOST_INTEGER) {
        throw new OutOfRangeError(
          `${title}: refused, ${value} does not fit 64 bits; pass a bigint from ${LEAST_INTEGER} to ${MOST_INTEGER}`,
        );
      }
      return { tag: tagOf(BIGINT, UNIT), content: new Uint8Array(BigInt64Array.of(value).buffer) };
    default:
      if (value === null) return { tag: tagOf(NULL, 0), content: NOTHING };
      if (typeof value === 'string' || value instanceof Uint8Array) return textItem(title, value);
      throw new InvalidTypeError(
        `${title}: refused, a list can't hold ${inspect(value)}; pass a string, a number, a bigint, a boolean, null or a Uint8Array`,
      );
  }
}

function textItem(title: string, value: string | Uint8Array): Item {
  const content = bytesOfText(title, value);
  if (content.length <= LENGTH_MASK)
    return { tag: tagOf(typeof value === 'string' ? TEXT : BYTES, content.length), content };
  throw new OutOfRangeError(
    `${title}: refused, ${content.length} bytes are too many for an item; pass at most ${LENGTH_MASK}`,
  );
}

function tagOf(type: number, length: number): number {
  return (type << TYPE_SHIFT) | length;
}

/** The data of a new list. */
export function dataOf(items: readonly Item[]): Uint8Array<ArrayBuffer> {
  let units = items.length;
  const begins = items.map(({ content }) => {
    const begin = units;
    units += Math.max(1, Math.ceil(content.length / UNIT));
    return begin;
  });
  const data = new Uint8Array(units * UNIT);
  const pairs = new Uint32Array(data.buffer, 0, items.length * 2);
  items.forEach(({ tag, content }, index) => {
    pairs[index * 2] = begins[index]!;
    pairs[index * 2 + 1] = tag;
    data.set(content, begins[index]! * UNIT);
  });
  return data;
}

/** The items in the mapped data of a list. */
export class ListItems {
  readonly length: number;
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly pairs: Uint32Array<ArrayBuffer>;
  private readonly quads: BigUint64Array<ArrayBuffer>;

  /** Throws `LayoutError` if the data are too short for so many items. */
  constructor(buffer: ArrayBuffer, length: number) {
    if (!(length >= 0 && length * PAIR_BYTES <= buffer.byteLength))
      throw damaged(`it has ${buffer.byteLength} bytes for ${length} items`);
    this.length = length;
    this.bytes = new Uint8Array(buffer);
    this.pairs = new Uint32Array(buffer, 0, length * 2);
    this.quads = new BigUint64Array(buffer, 0, Math.floor(buffer.byteLength / UNIT));
  }

  read(index: number): ListValue {
    const { begin, capacity } = this.slot(index);
    const tag = Number(loadElement(this.pairs, index * 2 + 1));
    const length = tag & LENGTH_MASK;
    if (length > capacity) throw damaged(`item ${index} has ${length} bytes in a slot of ${capacity}`);
    // A copy first: the bytes may change while they are read.
    const content = this.bytes.slice(begin, begin + length);
    switch (tag >>> TYPE_SHIFT) {
      case NULL:
        return null;
      case BOOLEAN:
        return length !== 0;
      case NUMBER:
        return new Float64Array(BigUint64Array.of(this.word(begin)).buffer)[0]!;
      case BIGINT:
        return BigInt.asIntN(64, this.word(begin));
      case TEXT:
        return Buffer.from(content.buffer).toString();
      case BYTES:
        return content;
      default:
        throw damaged(`item ${index} is of type ${tag >>> TYPE_SHIFT}`);
    }
  }

  /**
   * Stores the value if it fits the slot that the item was made with. Throws `OutOfRangeError`, and
   * changes nothing then.
   */
  write(title: string, index: number, value: unknown): void {
    const { tag, content } = itemOf(title, value);
    const { begin, capacity } = this.slot(index);
    if (content.length > capacity) {
      throw new OutOfRangeError(
        `${title}: refused, the text has ${content.length} bytes and its slot ${capacity}; ` +
          'shorten it, or make the list with a longer text there',
      );
    }
    // Store numbers in one piece, so that no thread reads half of one.
    if (typeof value === 'number' || typeof value === 'bigint')
      storeElement(this.quads, new BigUint64Array(content.buffer)[0]!, begin / UNIT);
    else this.bytes.set(content, begin);
    storeElement(this.pairs, tag, index * 2 + 1);
  }

  private word(begin: number): bigint {
    return loadElement(this.quads, begin / UNIT) as bigint;
  }

  private slot(index: number): { begin: number; capacity: number } {
    const begin = this.pairs[index * 2]! * UNIT;
    const end = index + 1 < this.length ? this.pairs[index * 2 + 2]! * UNIT : this.bytes.length;
    if (begin >= this.length * PAIR_BYTES && begin + UNIT <= end && end <= this.bytes.length)
      return { begin, capacity: end - begin };
    throw damaged(`the slot of item ${index} goes from byte ${begin} to ${end} of ${this.bytes.length}`);
  }
}

function damaged(how: string): LayoutError {
  return new LayoutError(`shared list: can't be read, ${how}; its data were damaged, make the list again`);
}
