/**
 * Payload: a value encoded in memory of its own, because it can't be encoded in its place: there is
 * no room for it yet, its length is not known, or it needs `v8.serialize`.
 */

import { NotSendableError } from '../errors.ts';
import type { SharedObject } from '../objects/shared-object.ts';
import { Encoder, FOREIGN } from './encoder.ts';
import type { Format } from './format.ts';
import { FORMAT } from './format.ts';
import { packWhole } from './parcel.ts';
import { isTooDeep } from './read-clone.ts';
import { v8 } from './v8.ts';

export interface Payload {
  readonly bytes: Uint8Array;
  readonly format: Format;
  /** Shared objects in the value: they have to live until it is read. */
  readonly shared: readonly SharedObject[];
}

const NONE: readonly SharedObject[] = [];
/** Bytes of the first attempt. */
const FIRST_SCRATCH = 4096;
/** The longest payload: the limit of a typed array on all versions of Node. */
const LONGEST = 2 ** 32 - 8;

/** Memory in which values are encoded, and copied from. */
class Scratch {
  readonly encoder: Encoder = new Encoder();
  memory!: Buffer;

  constructor() {
    this.resize(FIRST_SCRATCH);
  }

  resize(bytes: number): void {
    this.memory = Buffer.alloc(bytes);
    this.encoder.aim(this.memory);
  }
}

const scratch = new Scratch();
/** Whether a value is just being encoded there: its getters may encode others, elsewhere. */
let scratchInUse = false;

/** Encodes the value. Throws `NotSendableError`; its message begins with `what`. */
export function encodeApart(value: unknown, what: string): Payload {
  if (scratchInUse) return encodeIn(new Scratch(), value, what);
  scratchInUse = true;
  try {
    return encodeIn(scratch, value, what);
  } finally {
    scratchInUse = false;
    // Memory that was needed once for something large is not kept.
    if (scratch.memory.length > FIRST_SCRATCH * 256) scratch.resize(FIRST_SCRATCH);
  }
}

function encodeIn(space: Scratch, value: unknown, what: string): Payload {
  const { encoder } = space;
  for (;;) {
    const { memory } = space;
    const end = encoder.encode(value, 0, memory.length);
    if (end >= 0) {
      const bytes = Uint8Array.prototype.slice.call(memory, 0, end);
      // The encoder fills its empty list again at the next value.
      const shared = encoder.shared.length === 0 ? NONE : encoder.shared;
      return { bytes, format: encoder.format, shared };
    }
    // Try with twice the memory; beyond the limit, clone.
    if (end === FOREIGN || memory.length * 2 > LONGEST) return clone(value, what);
    space.resize(memory.length * 2);
  }
}

function clone(value: unknown, what: string): Payload {
  const { parcel, shared } = packWhole(value, 'process', what, 'value');
  try {
    return { bytes: v8().serialize(parcel), format: FORMAT.CLONED, shared };
  } catch (cause) {
    const reason = isTooDeep(cause)
      ? 'it is nested too deeply for the stack of this thread; send flatter data'
      : `${(cause as Error).message.replace(/\.$/, '')}; send plain data or shared objects`;
    throw new NotSendableError(`${what} value can't be sent, ${reason}`, { cause });
  }
}
