/**
 * RingReader: takes values out of a ring. A value is read where it lies, and then taken; if somebody else was faster, what was read is
 * thrown away. What costs more to read (bytes, clones) is copied first, and read if nobody was faster until then.
 *
 * Shared objects in a value are opened before it is taken: who has put it keeps them open no longer. Who was not the one to take it, or can't
 * give it to anyone, closes what it has opened: else it would keep it open, an end of a pipe too, until that is collected some day.
 */

import { deserialize } from 'node:v8';
import { noteOpened, type SharedObject } from '../agents/shared-object.ts';
import { LayoutError } from '../errors.ts';
import { copyOf, Decoder, MalformedError } from './decoder.ts';
import type { Far } from './far.ts';
import type { Parcel } from './parcel.ts';
import { unpack } from './parcel.ts';
import type { Format, Found, Ring } from './ring.ts';
import { FORMAT } from './ring.ts';

/** Instead of a value: there is none. */
export const NOTHING: unique symbol = Symbol('nothing');

export class RingReader {
  private readonly ring: Ring;
  private readonly buffer: Buffer;
  private readonly far: Far;
  private readonly title: string;
  private readonly taken: () => void;
  private readonly decoder = new Decoder();
  private readonly apart = new Decoder();
  /** Shared objects in what is just being read. */
  private readonly opened: SharedObject[] = [];

  /** `taken` is called after each item that was taken. */
  constructor(ring: Ring, buffer: Buffer, far: Far, title: string, taken: () => void) {
    this.ring = ring;
    this.buffer = buffer;
    this.far = far;
    this.title = title;
    this.taken = taken;
    this.decoder.aim(buffer);
  }

  /** Takes the oldest item; `NOTHING`: there is none. Throws what opening a shared object in it throws, `LayoutError`: it is taken then. */
  take(): unknown {
    const { ring } = this;
    for (;;) {
      const found = ring.find();
      if (found === undefined) return NOTHING;
      const { head, next, from, length, format, far } = found;
      if (far || format === FORMAT.CLONED || format === FORMAT.BYTES) {
        const value = this.takeApart(found);
        if (value === NOTHING) continue;
        return value;
      }
      let value: unknown;
      let failure: unknown;
      noteOpened(this.opened);
      try {
        value = this.decoder.decode(from, from + length, format === FORMAT.REPEATING);
      } catch (error) {
        failure = error;
      }
      noteOpened(undefined);
      if (!this.takes(head, next, failure)) continue;
      if (failure === undefined) return value;
      throw failure instanceof MalformedError ? this.damaged() : failure;
    }
  }

  /** Takes an item that is read from memory of our own; `NOTHING`: somebody else has. */
  private takeApart({ head, next, from, length, format, far, number }: Found): unknown {
    const bytes = far ? this.far.read(number) : copyOf(this.buffer, from, length);
    if (!this.ring.isThere(head)) return NOTHING;
    let value: unknown;
    let failure: unknown;
    noteOpened(this.opened);
    try {
      value = bytes === undefined ? undefined : this.valueOf(bytes, format);
    } catch (error) {
      failure = error;
    }
    noteOpened(undefined);
    if (!this.takes(head, next, failure)) return NOTHING;
    if (bytes === undefined) throw this.damaged();
    if (far) this.far.remove(number);
    if (failure === undefined) return value;
    throw failure instanceof MalformedError ? this.damaged() : failure;
  }

  /** Takes what was read; `false`: somebody else has. */
  private takes(head: number, next: number, failure: unknown): boolean {
    const { opened } = this;
    const took = this.ring.take(head, next);
    if (opened.length > 0) {
      if (!took || failure !== undefined) for (const object of opened) object[Symbol.dispose]();
      opened.length = 0;
    }
    if (took) this.taken();
    return took;
  }

  private valueOf(bytes: Uint8Array, format: Format): unknown {
    if (format === FORMAT.BYTES) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    if (format === FORMAT.CLONED) return unpack(deserialize(bytes) as Parcel);
    this.apart.aim(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    return this.apart.decode(0, bytes.length, format === FORMAT.REPEATING);
  }

  private damaged(): LayoutError {
    return new LayoutError(
      `${this.title}: an item can't be read, its memory is damaged; it is left out, and what comes after it may be sound`,
    );
  }
}
