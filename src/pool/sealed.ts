/**
 * Sealed: the arguments of a task that waits in the pool's heap, or may run again. They are encoded
 * at the call, so later changes of the objects have no effect.
 */

import { Decoder } from '../codec/decoder.ts';
import type { Format } from '../codec/format.ts';
import { FORMAT } from '../codec/format.ts';
import type { Parcel } from '../codec/parcel.ts';
import { unpack } from '../codec/parcel.ts';
import { readClone } from '../codec/read-clone.ts';
import { Outgoing } from '../messaging/ring/outgoing.ts';
import type { SharedObject } from '../objects/shared-object.ts';

/**
 * The parts of sealed arguments that travel: bytes, their format, and the shared objects in them.
 */
export type SealedPayload = [bytes: Uint8Array, format: Format, shared: readonly SharedObject[]];

export class Sealed {
  private readonly out: Outgoing;

  /** Throws `NotSendableError`; its message begins with `title`. */
  constructor(value: unknown, title: string) {
    this.out = new Outgoing(value, title);
    this.out.keep();
  }

  get payload(): SealedPayload {
    const { bytes, format, shared } = this.out.encode();
    return [bytes, format, shared];
  }

  /** The task has ended, or will not be handed out again: its shared objects may be closed. */
  letGo(): void {
    this.out.letGo();
  }
}

/** Whether all values are immutable. */
export function areConstant(values: readonly unknown[]): boolean {
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (typeof value === 'object' ? value !== null : typeof value === 'function') return false;
  }
  return true;
}

/** In the worker: decodes the arguments. */
export function unseal([bytes, format]: SealedPayload): unknown {
  if (format === FORMAT.CLONED) return unpack(readClone(bytes) as Parcel);
  const decoder = new Decoder();
  decoder.aim(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  return decoder.decode(0, bytes.length, format === FORMAT.REPEATING);
}
