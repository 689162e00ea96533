/**
 * Encoder: writes a value straight into shared memory, tagged byte by byte.
 *
 *   00…7f  an integer 0…127
 *   80…9f  a string of 0…31
 *   a0…af  array of 0…15
 *   b0…bf  object of 0…15 keys: the keys as in shapes.ts, then the values
 *   c0…    see TAG
 *
 * Strings are Latin-1 where they can be, else UTF-16: nothing is lost, lone surrogates neither. A
 * value that occurs twice is written once and referred to by its number, as in structured clone.
 * For a value that is not in this list (Map, Set, RegExp, errors, classes …) the encoder returns
 * `FOREIGN`. The whole is then written by the slower `v8.serialize` (parcel.ts).
 */

import { types } from 'node:util';
import { SharedObject } from '../objects/shared-object.ts';
import { FORMAT, type Format } from './format.ts';
import { KnownShapes, MOST_KEYS } from './shapes.ts';

export const TAG = {
  STRING: 0x80,
  ARRAY: 0xa0,
  OBJECT: 0xb0,
  UNDEFINED: 0xc0,
  NULL: 0xc1,
  FALSE: 0xc2,
  TRUE: 0xc3,
  INT32: 0xc4,
  FLOAT64: 0xc5,
  LATIN1: 0xc6,
  UTF16: 0xc7,
  BIGINT: 0xc8,
  DATE: 0xc9,
  BYTES: 0xca,
  SHARED: 0xcb,
  LONG_ARRAY: 0xcc,
  LONG_OBJECT: 0xcd,
  REFERENCE: 0xce,
} as const;

/** Shortest lengths that do not fit into the tag. */
export const LONG_STRING = 32;
export const LONG_LIST: number = MOST_KEYS + 1;

/** Instead of the end: the value does not fit between the start and the limit. */
export const OVERFLOW = -1;
/** Instead of the end: the value needs `v8.serialize`. */
export const FOREIGN = -2;

const { isProxy } = types;

/** Strings up to this length are copied one by one. */
const SHORT = 48;
/** Number of objects up to which repetitions are found by linear search. */
const FEW = 16;
/** Nesting beyond which `v8.serialize` is used. */
const DEEPEST = 200;
const BIGINT_RADIX = 16;

export class Encoder {
  /** Shared objects in the value written last: they have to live until it is read. */
  shared: SharedObject[] = [];
  private buffer: Buffer = Buffer.alloc(0);
  private view: DataView = new DataView(new ArrayBuffer(0));
  /** Whether the value written last refers to something that occurred before. */
  private repeats = false;
  private limit = 0;
  private readonly shapes = new KnownShapes();
  /**
   * Objects that occurred, in the order in which they began: the first few here; once there are
   * more, all are in the map.
   */
  private readonly few: (object | undefined)[] = new Array<undefined>(FEW).fill(undefined);
  private many: Map<object, number> | undefined;
  private count = 0;

  /** The format in which the value written last is to be read. */
  get format(): Format {
    return this.repeats ? FORMAT.REPEATING : FORMAT.VALUE;
  }

  /** Writes into this memory from now on. */
  aim(buffer: Buffer): void {
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  /**
   * Writes the value from `start` on, before `limit`; returns where it ends, `OVERFLOW` or
   * `FOREIGN`.
   */
  encode(value: unknown, start: number, limit: number): number {
    this.limit = limit;
    this.repeats = false;
    if (this.shared.length > 0) this.shared = [];
    try {
      return this.write(value, start, 0);
    } finally {
      if (this.count > 0) this.forget();
    }
  }

  /**
   * Every path checks the limit before it writes; 9 bytes are enough for everything except lists
   * and text.
   */
  private write(value: unknown, at: number, depth: number): number {
    if (at + 9 > this.limit) return this.writeTight(value, at, depth);
    const { buffer } = this;
    switch (typeof value) {
      case 'string':
        return this.writeString(value, at);
      case 'number':
        if ((value | 0) === value && !Object.is(value, -0)) {
          if (value >= 0 && value < 128) {
            buffer[at] = value;
            return at + 1;
          }
          buffer[at] = TAG.INT32;
          buffer[at + 1] = value;
          buffer[at + 2] = value >> 8;
          buffer[at + 3] = value >> 16;
          buffer[at + 4] = value >> 24;
          return at + 5;
        }
        buffer[at] = TAG.FLOAT64;
        this.view.setFloat64(at + 1, value, true);
        return at + 9;
      case 'object':
        if (value !== null) return this.writeObject(value, at, depth);
        buffer[at] = TAG.NULL;
        return at + 1;
      case 'boolean':
        buffer[at] = value ? TAG.TRUE : TAG.FALSE;
        return at + 1;
      case 'undefined':
        buffer[at] = TAG.UNDEFINED;
        return at + 1;
      case 'bigint': {
        buffer[at] = TAG.BIGINT;
        return this.writeString(value.toString(BIGINT_RADIX), at + 1);
      }
      default:
        return FOREIGN;
    }
  }

  /** Near the limit: writes only values that are known to fit. */
  private writeTight(value: unknown, at: number, depth: number): number {
    if (at >= this.limit) return OVERFLOW;
    const small = typeof value === 'number' && value >= 0 && value < 128 && (value | 0) === value;
    if (small && !Object.is(value, -0)) {
      this.buffer[at] = value;
      return at + 1;
    }
    if (typeof value === 'string' && value.length < this.limit - at) return this.writeString(value, at);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return this.writeObject(value, at, depth);
    if (typeof value === 'function' || typeof value === 'symbol') return FOREIGN;
    return OVERFLOW;
  }

  private writeString(text: string, at: number): number {
    const { buffer } = this;
    const { length } = text;
    if (length >= SHORT) return this.writeLong(text, at);
    const head = length < LONG_STRING ? 1 : 5;
    if (at + head + length > this.limit) return OVERFLOW;
    let to = at + head;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0xff) return this.writeLong(text, at);
      buffer[to++] = code;
    }
    if (head === 1) buffer[at] = TAG.STRING + length;
    else {
      buffer[at] = TAG.LATIN1;
      this.view.setUint32(at + 1, length, true);
    }
    return to;
  }

  private writeLong(text: string, at: number): number {
    const { buffer } = this;
    const { length } = text;
    const narrow = Buffer.byteLength(text) === length || !/[^\0-\xff]/.test(text);
    const bytes = narrow ? length : length * 2;
    if (at + 5 + bytes > this.limit) return OVERFLOW;
    buffer[at] = narrow ? TAG.LATIN1 : TAG.UTF16;
    this.view.setUint32(at + 1, bytes, true);
    buffer.write(text, at + 5, bytes, narrow ? 'latin1' : 'utf16le');
    return at + 5 + bytes;
  }

  private writeObject(value: object, at: number, depth: number): number {
    const before = this.find(value);
    if (before >= 0) {
      this.repeats = true;
      return this.writeLength(TAG.REFERENCE, before, at);
    }
    // Check for a Proxy first: its class and its keys can't be trusted.
    if (depth > DEEPEST || isProxy(value)) return FOREIGN;
    if (Array.isArray(value)) return this.writeArray(value, at, depth);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return this.writePlain(value as Record<string, unknown>, at, depth);
    }
    if (value instanceof Uint8Array && isBytes(value, prototype)) return this.writeBytes(value, at);
    if (prototype === Date.prototype && value instanceof Date) {
      if (at + 9 > this.limit) return OVERFLOW;
      this.buffer[at] = TAG.DATE;
      this.view.setFloat64(at + 1, value.getTime(), true);
      return at + 9;
    }
    if (value instanceof SharedObject) {
      if (at >= this.limit) return OVERFLOW;
      this.shared.push(value);
      this.buffer[at] = TAG.SHARED;
      return this.writeString(value.handle, at + 1);
    }
    return FOREIGN;
  }

  private writeArray(list: readonly unknown[], start: number, depth: number): number {
    const { length } = list;
    if (start >= this.limit) return OVERFLOW;
    // A match of a regular expression has further properties. (Checking every array for such
    // properties would take as long as writing it.)
    if ((list as Partial<RegExpMatchArray>).index !== undefined) return FOREIGN;
    let at = start + 1;
    if (length < LONG_LIST) this.buffer[start] = TAG.ARRAY + length;
    else at = this.writeLength(TAG.LONG_ARRAY, length, start);
    for (let index = 0; index < length && at >= 0; index++) {
      const item = list[index];
      if (item === undefined && !(index in list)) return FOREIGN;
      at = this.write(item, at, depth + 1);
    }
    return at;
  }

  private writePlain(object: Record<string, unknown>, start: number, depth: number): number {
    const shape = this.shapes.of(object);
    if (shape === undefined) return this.writeKeyed(object, start, depth);
    const { block, keys } = shape;
    let at = start + 1;
    if (at + block.length > this.limit) return OVERFLOW;
    const { buffer } = this;
    buffer[start] = TAG.OBJECT + keys.length;
    for (let index = 0; index < block.length; index++) buffer[at++] = block[index]!;
    let index = 0;
    for (const key in object) {
      // A getter may have changed the object meanwhile.
      if (key !== keys[index++]) return FOREIGN;
      at = this.write(object[key], at, depth + 1);
      if (at < 0) return at;
    }
    return index === keys.length ? at : FOREIGN;
  }

  /** An object with many or long keys: each beside its value. */
  private writeKeyed(object: Record<string, unknown>, start: number, depth: number): number {
    const keys = Object.keys(object);
    let at = this.writeLength(TAG.LONG_OBJECT, keys.length, start);
    for (let index = 0; index < keys.length && at >= 0; index++) {
      const key = keys[index]!;
      at = this.writeString(key, at);
      if (at >= 0) at = this.write(object[key], at, depth + 1);
    }
    return at;
  }

  private writeBytes(bytes: Uint8Array, at: number): number {
    const { length } = bytes;
    if (at + 5 + length > this.limit) return OVERFLOW;
    const next = this.writeLength(TAG.BYTES, length, at);
    if (next < 0) return next;
    this.buffer.set(bytes, next);
    return next + length;
  }

  private writeLength(tag: number, length: number, at: number): number {
    if (at + 5 > this.limit) return OVERFLOW;
    this.buffer[at] = tag;
    this.view.setUint32(at + 1, length, true);
    return at + 5;
  }

  /** Number of the object if it occurred before; otherwise notes it and returns -1. */
  private find(value: object): number {
    const { few, count, many } = this;
    if (many !== undefined) {
      const known = many.get(value);
      if (known !== undefined) return known;
      many.set(value, many.size);
      return -1;
    }
    for (let index = 0; index < count; index++) if (few[index] === value) return index;
    if (count < FEW) few[this.count++] = value;
    else this.many = new Map([...few, value].map((each, index) => [each!, index]));
    return -1;
  }

  private forget(): void {
    for (let index = 0; index < this.count; index++) this.few[index] = undefined;
    this.count = 0;
    this.many = undefined;
  }
}

/**
 * A plain view of bytes, which structured clone gives back as Uint8Array, also a Buffer. Memory
 * that threads share is excluded.
 */
function isBytes(value: Uint8Array, prototype: unknown): boolean {
  return (
    (prototype === Uint8Array.prototype || prototype === Buffer.prototype) &&
    value.buffer instanceof ArrayBuffer
  );
}
