/**
 * Decoder: reads what the encoder wrote. The bytes that it reads may be overwritten meanwhile, or
 * be damaged. So it checks every length against the end before it uses it. An invalid value throws
 * `MalformedError`, and never leads to a read outside.
 */

import { openShared } from '../objects/handles.ts';
import type { SharedObject } from '../objects/shared-object.ts';
import { LONG_LIST, LONG_STRING, TAG } from './encoder.ts';
import { freshBytes } from './fresh-bytes.ts';
import { ReadShapes } from './shapes.ts';
import { LONGEST_SPELT, spell } from './spelling.ts';

/**
 * The bytes are invalid: they were overwritten meanwhile, or the memory is damaged.
 */
export class MalformedError extends Error {}

const DEEPEST = 400;
const MOST_LITERAL = 4;

export class Decoder {
  /** Shared objects that the value read last brought along. */
  opened: SharedObject[] = [];
  private buffer: Buffer = Buffer.alloc(0);
  private view: DataView = new DataView(new ArrayBuffer(0));
  private at = 0;
  private end = 0;
  /** Objects in the order in which they began, if the value refers to some of them. */
  private seen: object[] | undefined;
  private readonly shapes = new ReadShapes();

  aim(buffer: Buffer): void {
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  /**
   * Reads the value between `start` and `end`. Throws `MalformedError`, and the errors of opening a
   * shared object.
   */
  decode(start: number, end: number, repeats: boolean): unknown {
    this.at = start;
    this.end = end;
    this.seen = repeats ? [] : undefined;
    if (this.opened.length > 0) this.opened = [];
    return this.read(0);
  }

  private readonly next = (depth: number): unknown => this.read(depth);

  private read(depth: number): unknown {
    if (this.at >= this.end || depth > DEEPEST) throw new MalformedError();
    const tag = this.buffer[this.at++]!;
    if (tag < TAG.STRING) return tag;
    if (tag < TAG.ARRAY) return this.readShort(tag - TAG.STRING);
    if (tag < TAG.OBJECT) return this.readArray(tag - TAG.ARRAY, depth);
    if (tag < TAG.UNDEFINED) return this.readShaped(tag - TAG.OBJECT, depth);
    switch (tag) {
      case TAG.UNDEFINED:
        return undefined;
      case TAG.NULL:
        return null;
      case TAG.FALSE:
        return false;
      case TAG.TRUE:
        return true;
      case TAG.INT32:
        return this.view.getInt32(this.skip(4), true);
      case TAG.FLOAT64:
        return this.view.getFloat64(this.skip(8), true);
      case TAG.DATE:
        return this.note(new Date(this.view.getFloat64(this.skip(8), true)));
      default:
        return this.readRare(tag, depth);
    }
  }

  private readRare(tag: number, depth: number): unknown {
    switch (tag) {
      case TAG.BIGINT:
        return this.readBigInt();
      case TAG.SHARED:
        return this.note(this.open(this.readString()));
    }
    const length = this.view.getUint32(this.skip(4), true);
    switch (tag) {
      case TAG.LATIN1:
      case TAG.UTF16: {
        const from = this.skip(length);
        return this.buffer.toString(tag === TAG.LATIN1 ? 'latin1' : 'utf16le', from, from + length);
      }
      case TAG.BYTES: {
        const from = this.skip(length);
        return this.note(copyOf(this.buffer, from, length));
      }
      case TAG.LONG_ARRAY:
        return this.readArray(length, depth);
      case TAG.LONG_OBJECT:
        return this.readKeyed(length, depth);
      case TAG.REFERENCE: {
        const known = this.seen?.[length];
        if (known === undefined) throw new MalformedError();
        return known;
      }
      default:
        throw new MalformedError();
    }
  }

  private readArray(length: number, depth: number): unknown[] {
    // Each item takes a byte at least.
    if (length > this.end - this.at) throw new MalformedError();
    if (this.seen === undefined && length <= MOST_LITERAL) return this.readFew(length, depth + 1);
    const list: unknown[] = length < LONG_LIST ? [] : new Array<unknown>(length);
    this.seen?.push(list);
    for (let index = 0; index < length; index++) list[index] = this.read(depth + 1);
    return list;
  }

  /** Array literals of the exact length, each made in one piece. */
  private readFew(length: number, depth: number): unknown[] {
    switch (length) {
      case 0:
        return [];
      case 1:
        return [this.read(depth)];
      case 2:
        return [this.read(depth), this.read(depth)];
      case 3:
        return [this.read(depth), this.read(depth), this.read(depth)];
      default:
        return [this.read(depth), this.read(depth), this.read(depth), this.read(depth)];
    }
  }

  private readShaped(count: number, depth: number): object {
    const shape = this.shapes.at(this.buffer, this.at, this.end, count);
    if (shape === undefined) throw new MalformedError();
    this.at += shape.block.length;
    if (this.seen === undefined) {
      const make = shape.maker;
      if (make !== undefined) return make(this.next, depth + 1);
    }
    const { keys } = shape;
    const object: Record<string, unknown> = {};
    this.seen?.push(object);
    for (let index = 0; index < count; index++) {
      const key = keys[index]!;
      const value = this.read(depth + 1);
      if (key === '__proto__') define(object, key, value);
      else object[key] = value;
    }
    return object;
  }

  private readKeyed(length: number, depth: number): object {
    if (length > this.end - this.at) throw new MalformedError();
    const object: Record<string, unknown> = {};
    this.seen?.push(object);
    for (let index = 0; index < length; index++) {
      const key = this.readString();
      const value = this.read(depth + 1);
      if (key === '__proto__') define(object, key, value);
      else object[key] = value;
    }
    return object;
  }

  private readString(): string {
    if (this.at >= this.end) throw new MalformedError();
    const tag = this.buffer[this.at]!;
    if (tag >= TAG.STRING && tag < TAG.STRING + LONG_STRING) {
      this.at++;
      return this.readShort(tag - TAG.STRING);
    }
    const text = tag === TAG.LATIN1 || tag === TAG.UTF16 ? this.read(0) : undefined;
    if (typeof text !== 'string') throw new MalformedError();
    return text;
  }

  private readShort(length: number): string {
    const from = this.skip(length);
    if (length <= LONGEST_SPELT) return spell(this.buffer, from, length);
    return this.buffer.toString('latin1', from, from + length);
  }

  private open(handle: string): SharedObject {
    const object = openShared(handle);
    this.opened.push(object);
    return object;
  }

  private readBigInt(): bigint {
    const digits = this.readString();
    const negative = digits.startsWith('-');
    const magnitude = digits.slice(negative ? 1 : 0);
    if (!/^[0-9a-f]+$/.test(magnitude)) throw new MalformedError();
    const value = BigInt(`0x${magnitude}`);
    return negative ? -value : value;
  }

  private note<Noted extends object>(object: Noted): Noted {
    this.seen?.push(object);
    return object;
  }

  /** Passes over `length` bytes; returns where they begin. */
  private skip(length: number): number {
    const from = this.at;
    if (length > this.end - from) throw new MalformedError();
    this.at = from + length;
    return from;
  }
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}

/** The bytes, in memory of their own. */
export function copyOf(buffer: Buffer, from: number, length: number): Uint8Array {
  const bytes = freshBytes(length);
  bytes.set(buffer.subarray(from, from + length));
  return bytes;
}
