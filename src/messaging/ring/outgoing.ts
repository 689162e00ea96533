/**
 * Outgoing: an item that could not be put at once. It is encoded apart, exactly once. From then on,
 * changes of the value do not matter, and a put only copies its bytes.
 */

import type { Cell } from '../../agents/cell.ts';
import { cellsNeeded } from '../../agents/kept.ts';
import { FORMAT } from '../../codec/format.ts';
import type { Payload } from '../../codec/payload.ts';
import { encodeApart } from '../../codec/payload.ts';
import { letGo } from '../../objects/forgotten.ts';

export class Outgoing {
  private readonly value: unknown;
  private readonly what: string;
  private payload: Payload | undefined;
  /** Whether its bytes are still the caller's, who may change them. */
  private borrowed = false;
  /** The cells of what is in it, open here until it is put. */
  private held: { cell: Cell; name: string | undefined }[] | undefined;

  /** `what` begins the message if it can't be sent. */
  constructor(value: unknown, what: string) {
    this.value = value;
    this.what = what;
  }

  /** Bytes that are sent as they are. */
  static ofBytes(bytes: Uint8Array): Outgoing {
    const out = new Outgoing(undefined, '');
    out.payload = { bytes, format: FORMAT.BYTES, shared: [] };
    out.borrowed = true;
    return out;
  }

  /** Its payload, encoded on the first call. Throws `NotSendableError`. */
  encode(): Payload {
    this.payload ??= encodeApart(this.value, this.what);
    return this.payload;
  }

  /**
   * Other code runs before it is put: from now on its bytes are its own, and the shared objects in
   * it may be closed. Needs `letGo`. Throws `NotSendableError`.
   */
  keep(): void {
    const { bytes, format, shared } = this.encode();
    if (this.borrowed) this.payload = { bytes: Uint8Array.prototype.slice.call(bytes), format, shared };
    this.borrowed = false;
    if (this.held !== undefined) return;
    this.held = shared.flatMap(({ cell, name }) => [
      { cell, name },
      ...cellsNeeded(cell).map((needed) => ({ cell: needed, name: undefined })),
    ]);
    for (const { cell } of this.held) cell.references++;
  }

  /** It was put, or will not be. */
  letGo(): void {
    for (const { cell, name } of this.held?.splice(0) ?? []) letGo(cell, name);
  }
}
