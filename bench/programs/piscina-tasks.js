// @ts-check
// The functions that need piscina itself in its workers.
import Piscina from 'piscina';

/** Moves the bytes back. @param {Uint8Array<ArrayBuffer>} bytes */
export function moved(bytes) {
  return Piscina.move(bytes);
}
