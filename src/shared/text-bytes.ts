/** Text as bytes: how strings lie in shared memory. */

import { inspect } from 'node:util';
import { InvalidTypeError } from '../errors.ts';

const HALF_A_CHARACTER = /\p{Surrogate}/u;

/**
 * The bytes of a string in UTF-8, or the given bytes. Throws `InvalidTypeError` for anything else.
 */
export function bytesOfText(title: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') {
    throw new InvalidTypeError(
      `${title}: refused, ${inspect(value)} is not text; pass a string or a Uint8Array`,
    );
  }
  if (HALF_A_CHARACTER.test(value)) {
    throw new InvalidTypeError(
      `${title}: refused, ${inspect(value)} contains half a surrogate pair, which UTF-8 can't express; pass whole characters, or bytes`,
    );
  }
  return Buffer.from(value);
}

/** The text before the first NUL. */
export function textUpToNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  // A copy first: the bytes may change while they are read.
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString();
}
