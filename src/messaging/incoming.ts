/** Incoming: a value out of what was found in a ring. */

import { deserialize } from 'node:v8';
import type { Decoder } from './decoder.ts';
import type { Parcel } from './parcel.ts';
import { unpack } from './parcel.ts';
import type { Format, Found } from './ring.ts';
import { FORMAT } from './ring.ts';

/** Whether the payload may be read in place, before it is known that nobody else takes it. */
export function isReadInPlace({ format, far }: Found): boolean {
  return !far && (format === FORMAT.VALUE || format === FORMAT.REPEATING);
}

/** The value between two places of the memory that the decoder is aimed at. */
export function readInPlace(decoder: Decoder, { from, length, format }: Found): unknown {
  return decoder.decode(from, from + length, format === FORMAT.REPEATING);
}

/** The value in a payload of one's own. Throws what opening a shared object in it throws. */
export function readFrom(bytes: Buffer, format: Format, decoder: Decoder): unknown {
  switch (format) {
    case FORMAT.BYTES:
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    case FORMAT.CLONED:
      return unpack(deserialize(bytes) as Parcel);
    default:
      decoder.aim(bytes);
      return decoder.decode(0, bytes.length, format === FORMAT.REPEATING);
  }
}
