/** Functions that move memory. */

import type { MessagePort } from 'node:worker_threads';
import { type Lock, type RawArray, transfer } from 'lockstep';

let kept: ArrayBuffer | undefined;

/** Adds `n` to each byte, and gives the buffer on; keeps it, too. */
export function addToBytes(buffer: ArrayBuffer, n: number): ArrayBuffer {
  const bytes = new Uint8Array(buffer);
  for (let at = 0; at < bytes.length; at++) bytes[at]! += n;
  kept = buffer;
  return transfer(buffer);
}

/** The bytes that the last `addToBytes` of this worker has left here. */
export function bytesKept(): number | undefined {
  return kept?.byteLength;
}

/** The same with a view in an object, and a lock. */
export function addInLock(bytes: Uint8Array<ArrayBuffer>, lock: Lock): { bytes: Uint8Array } {
  return lock.runSync(() => {
    bytes[0]!++;
    return transfer({ bytes }, [bytes.buffer]);
  });
}

export function answerPort(port: MessagePort, answer: unknown): void {
  port.postMessage(answer);
  port.close();
}

export function moveWrongly(): object {
  return transfer({}, [5 as unknown as ArrayBuffer]);
}

export function* eachByte(buffer: ArrayBuffer): Generator<number> {
  yield* new Uint8Array(buffer);
}

/** Counts that it runs, and ends its worker. */
export function exitWith(_: ArrayBuffer, counts: RawArray<'i32'>): never {
  Atomics.add(counts.view as Int32Array, 0, 1);
  process.exit(3);
}
