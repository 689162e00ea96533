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

/** Bytes of the first attempt. */
const FIRST_SCRATCH = 4096;
/** The longest payload: the limit of a typed array on all versions of Node. */
const LONGEST = 2 ** 32 - 8;

const scratchEncoder = new Encoder();
let scratch: Buffer = Buffer.alloc(FIRST_SCRATCH);
/** Whether a value is just being encoded there: its getters may encode others, elsewhere. */
let scratchInUse = false;

/** Encodes the value. Throws `NotSendableError`; its message begins with `what`. */
export function encodeApart(value: unknown, what: string): Payload {
  if (scratchInUse) return encodeIn(new Encoder(), Buffer.alloc(FIRST_SCRATCH), value, what);
  scratchInUse = true;
  try {
    return encodeIn(scratchEncoder, scratch, value, what);
  } finally {
    scratchInUse = false;
  }
}

/** The same, with this memory as the first attempt. */
function encodeIn(encoder: Encoder, first: Buffer, value: unknown, what: string): Payload {
  // Try with twice the memory each time; beyond the limit, clone.
  for (let memory = first; ; memory = Buffer.alloc(memory.length * 2)) {
    encoder.aim(memory);
    const end = encoder.encode(value, 0, memory.length);
    if (end >= 0) {
      // Keep what is large enough for most values, but not memory that was needed once.
      if (encoder === scratchEncoder && memory.length <= FIRST_SCRATCH * 256) scratch = memory;
      const bytes = Uint8Array.prototype.slice.call(memory, 0, end);
      return { bytes, format: encoder.format, shared: encoder.shared };
    }
    if (end === FOREIGN || memory.length * 2 > LONGEST) return clone(value, what);
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
