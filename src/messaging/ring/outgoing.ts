/**
 * Outgoing: a value on its way into a ring. It is written straight into the ring where that is
 * possible, else into bytes of its own.
 */

import type { Cell } from '../../agents/cell.ts';
import { cellsNeeded } from '../../agents/kept.ts';
import { Encoder, FOREIGN, OVERFLOW } from '../../codec/encoder.ts';
import type { Format } from '../../codec/format.ts';
import { FORMAT } from '../../codec/format.ts';
import { packWhole } from '../../codec/parcel.ts';
import { isTooDeep } from '../../codec/read-clone.ts';
import { v8 } from '../../codec/v8.ts';
import { NotSendableError } from '../../errors.ts';
import { letGo } from '../../objects/forgotten.ts';
import type { SharedObject } from '../../objects/shared-object.ts';

/** Bytes of the first attempt to write a value apart. */
const FIRST_SCRATCH = 4096;
/** The longest payload: the limit of a typed array on all versions of Node. */
const LONGEST = 2 ** 32 - 8;

const scratchEncoder = new Encoder();
let scratch: Buffer = Buffer.alloc(FIRST_SCRATCH);
/** Whether a value is just being written there: its getters may put others, elsewhere. */
let scratchInUse = false;

export class Outgoing {
  readonly value: unknown;
  /** Shared objects in it, which have to live until it is read. */
  shared: readonly SharedObject[] = [];
  /** Its payload, once it was written apart. */
  bytes: Uint8Array | undefined;
  format: Format = FORMAT.VALUE;
  private readonly what: string;
  /** The cells of what is in it, open here until it is put. */
  private held: { cell: Cell; name: string | undefined }[] | undefined;
  /** Bytes that are sent as they are, while they are still the caller's. */
  private raw: Uint8Array | undefined;

  /** `what` begins the message if it can't be sent. `raw`: it is bytes, and sent as they are. */
  constructor(value: unknown, what: string, raw?: Uint8Array) {
    this.value = value;
    this.what = what;
    this.raw = raw;
    if (raw === undefined) return;
    this.bytes = raw;
    this.format = FORMAT.BYTES;
  }

  /**
   * Writes it between two places with the encoder; returns where it ends, or -1 where it does not
   * fit or goes another way.
   */
  writeWith(encoder: Encoder, from: number, limit: number): number {
    const end = encoder.encode(this.value, from, limit);
    if (end >= 0) {
      this.format = encoder.format;
      this.shared = encoder.shared;
    } else if (end === FOREIGN) this.clone();
    return end < 0 ? OVERFLOW : end;
  }

  /**
   * Others run before it is put: from now on changes of the value do not matter, and shared objects
   * in it may be closed. Throws `NotSendableError`. Needs `letGo`.
   */
  keep(): void {
    if (this.raw === undefined) this.prepare();
    else this.bytes = Uint8Array.prototype.slice.call(this.raw);
    this.raw = undefined;
    if (this.held !== undefined) return;
    this.held = this.shared.flatMap(({ cell, name }) => [
      { cell, name },
      ...cellsNeeded(cell).map((needed) => ({ cell: needed, name: undefined })),
    ]);
    for (const { cell } of this.held) cell.references++;
  }

  /** It was put, or will not be. */
  letGo(): void {
    for (const { cell, name } of this.held?.splice(0) ?? []) letGo(cell, name);
  }

  /** Its payload, written apart. Throws `NotSendableError`. */
  prepare(): Uint8Array {
    if (this.bytes !== undefined) return this.bytes;
    if (scratchInUse) {
      this.writeApart(new Encoder(), Buffer.alloc(FIRST_SCRATCH));
      return this.bytes!;
    }
    scratchInUse = true;
    try {
      scratch = this.writeApart(scratchEncoder, scratch);
    } finally {
      scratchInUse = false;
    }
    // Memory that was needed once for something large is not kept.
    if (scratch.length > FIRST_SCRATCH * 256) scratch = Buffer.alloc(FIRST_SCRATCH);
    return this.bytes!;
  }

  /**
   * Writes it into memory that is as large as need be, and copies it from there; returns that
   * memory.
   */
  private writeApart(encoder: Encoder, first: Buffer): Buffer {
    let memory = first;
    for (let size = memory.length; this.bytes === undefined; size *= 2) {
      // Try with twice the memory each time; beyond the limit, clone.
      if (size > LONGEST) this.clone();
      else if (size > memory.length) memory = Buffer.alloc(size);
      if (this.bytes !== undefined) break;
      encoder.aim(memory);
      const end = this.writeWith(encoder, 0, memory.length);
      if (end >= 0) this.bytes = Uint8Array.prototype.slice.call(memory, 0, end);
    }
    return memory;
  }

  private clone(): void {
    const { parcel, shared } = packWhole(this.value, 'process', this.what, 'value');
    this.format = FORMAT.CLONED;
    this.shared = shared;
    try {
      this.bytes = v8().serialize(parcel);
    } catch (cause) {
      const reason = isTooDeep(cause)
        ? 'it is nested too deeply for the stack of this thread; send flatter data'
        : `${(cause as Error).message.replace(/\.$/, '')}; send plain data or shared objects`;
      throw new NotSendableError(`${this.what} value can't be sent, ${reason}`, { cause });
    }
  }
}
