/** ByteMessages: the arguments of `sendBytes` and `recvBytes`, checked. */

import { inspect } from 'node:util';
import { InvalidTypeError, OutOfRangeError } from '../errors.ts';

/** Check before anything is received, so that the message is left for a correct call. */
export function checkMost(title: string, most: unknown): void {
  if (most === undefined) return;
  if (typeof most !== 'number') {
    throw new InvalidTypeError(
      `${title}: can't receive, maxLength is ${inspect(most)}; pass a number first, or undefined, and then options`,
    );
  }
  if (Number.isInteger(most) && most >= 0) return;
  throw new OutOfRangeError(
    `${title}: can't receive, maxLength is ${most}; pass a whole number from 0 on, or leave it out`,
  );
}

/** The bytes of the message. */
export function sliceOf(
  title: string,
  bytes: ArrayBufferView | ArrayBuffer,
  offset: number,
  size?: number,
): Uint8Array {
  if (!ArrayBuffer.isView(bytes) && !(bytes instanceof ArrayBuffer)) {
    throw new InvalidTypeError(
      `${title}: can't send ${inspect(bytes)} as bytes; pass a typed array or an ArrayBuffer`,
    );
  }
  for (const each of [offset, size]) {
    if (each === undefined || typeof each === 'number') continue;
    throw new InvalidTypeError(
      `${title}: can't send a slice, its offset or size is ${inspect(each)}; pass whole numbers`,
    );
  }
  const whole = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
  const length = size ?? whole.length - offset;
  const sound = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length >= 0;
  if (!sound || offset + length > whole.length) {
    throw new OutOfRangeError(
      `${title}: can't send ${length} bytes from ${offset} on, there are ${whole.length}; pass a slice that lies within`,
    );
  }
  return whole.subarray(offset, offset + length);
}
