/** Outgoing: a value on its way into a ring. It is written straight into the ring where that is possible, else into bytes of its own. */

import { serialize } from 'node:v8';
import type { SharedObject } from '../agents/shared-object.ts';
import { NotSendableError } from '../errors.ts';
import { Encoder, FOREIGN, OVERFLOW } from './encoder.ts';
import { packWhole } from './parcel.ts';
import type { Format } from './ring.ts';
import { FORMAT } from './ring.ts';

/** Bytes of the first attempt to write a value apart. */
const FIRST_SCRATCH = 4096;
/** The longest payload: what a typed array can have on all versions of Node. */
const LONGEST = 2 ** 32 - 8;

const scratchEncoder = new Encoder();
let scratch: Buffer = Buffer.alloc(FIRST_SCRATCH);

export class Outgoing {
  readonly value: unknown;
  /** Shared objects in it, which have to live until it is read. */
  shared: readonly SharedObject[] = [];
  /** Its payload, once it was written apart. */
  bytes: Uint8Array | undefined;
  format: Format = FORMAT.VALUE;
  private readonly what: string;

  /** `what` begins the message if it can't be sent. `raw`: it is bytes, and sent as they are. */
  constructor(value: unknown, what: string, raw?: Uint8Array) {
    this.value = value;
    this.what = what;
    if (raw === undefined) return;
    this.bytes = raw;
    this.format = FORMAT.BYTES;
  }

  /** Writes it between two places with the encoder; returns where it ends, or -1 where it does not fit or goes another way. */
  writeWith(encoder: Encoder, from: number, limit: number): number {
    const end = encoder.encode(this.value, from, limit);
    if (end >= 0) {
      this.format = encoder.format;
      this.shared = encoder.shared;
    } else if (end === FOREIGN) this.clone();
    return end < 0 ? OVERFLOW : end;
  }

  /** Its payload, written apart: from now on changes of the value do not matter. Throws `NotSendableError`. */
  prepare(): Uint8Array {
    if (this.bytes !== undefined) return this.bytes;
    for (let size = scratch.length; this.bytes === undefined; size *= 2) {
      if (size > LONGEST) this.clone();
      else if (size > scratch.length) scratch = Buffer.alloc(size);
      if (this.bytes !== undefined) break;
      scratchEncoder.aim(scratch);
      const end = this.writeWith(scratchEncoder, 0, scratch.length);
      if (end >= 0) this.bytes = Uint8Array.prototype.slice.call(scratch, 0, end);
    }
    // What was needed once for something large is not kept.
    if (scratch.length > FIRST_SCRATCH * 256) scratch = Buffer.alloc(FIRST_SCRATCH);
    return this.bytes!;
  }

  private clone(): void {
    const { parcel, shared } = packWhole(this.value, 'process', this.what, 'value');
    this.format = FORMAT.CLONED;
    this.shared = shared;
    try {
      this.bytes = serialize(parcel);
    } catch (cause) {
      throw new NotSendableError(
        `${this.what} value can't be sent, ${(cause as Error).message}; send plain data or shared objects`,
        {
          cause,
        },
      );
    }
  }
}
