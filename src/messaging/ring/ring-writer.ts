/** RingWriter: puts values into a ring. All of it with the lock to put. */

import type { Cell } from '../../agents/cell.ts';
import { Encoder } from '../../codec/encoder.ts';
import type { Format } from '../../codec/format.ts';
import { OutOfRangeError } from '../../errors.ts';
import type { Far } from './far.ts';
import type { Outgoing } from './outgoing.ts';
import type { Ring } from './ring.ts';
import { NUMBER_MASK, RING_HEADER_WORDS, SMALL } from './ring.ts';

export const HEADER_BYTES: number = RING_HEADER_WORDS * 4;
/** The longest payload: what Node writes and reads at once. */
const LONGEST: number = 2 ** 31 - 1;
/** Bytes of a far item's payload in the ring: how long it is. */
const FAR_BYTES = 8;

export class RingWriter {
  private readonly cell: Cell;
  private readonly title: string;
  private readonly ring: Ring;
  private readonly buffer: Buffer;
  private readonly far: Far;
  private readonly encoder = new Encoder();
  private readonly apart = new Encoder();
  private readonly prepared = new Int32Array(SMALL / 4);
  /** Bytes that far items in the ring have in their files, for as long as those are the items in it. */
  private farSeen = { oldest: 0, next: 0, bytes: 0 };
  /** Shared objects in items that were put and may not have been read: they have to live until then. */
  private pinned: { number: number; objects: readonly object[] }[] = [];

  constructor(cell: Cell, ring: Ring, buffer: Buffer, far: Far, title: string) {
    this.cell = cell;
    this.title = title;
    this.ring = ring;
    this.buffer = buffer;
    this.far = far;
    this.encoder.aim(buffer);
    this.apart.aim(Buffer.from(this.prepared.buffer));
  }

  /** Puts the value right after the last. `false`: there is no room for it, or it has to be written apart. */
  writeInPlace(value: unknown): boolean {
    const { ring, encoder } = this;
    const room = ring.room();
    if (room === undefined) return false;
    const { from } = room;
    const end = encoder.encode(value, from, Math.min(room.limit, ring.reserved));
    return end >= 0 && this.commit(from, end - from, encoder.format, encoder.shared, false);
  }

  /** Writes a small value apart, without the lock; returns its length, or -1 where it is not small or has to go another way. */
  prepare(value: unknown): number {
    return Math.max(this.apart.encode(value, 0, SMALL), -1);
  }

  /** Puts what was prepared right after the last. `false`: there is no room for it. */
  writePrepared(length: number): boolean {
    const { ring, apart } = this;
    const room = ring.room();
    if (room === undefined) return false;
    const { from } = room;
    if (from + length > Math.min(room.limit, ring.reserved)) return false;
    ring.copyIn(from, this.prepared, (length + 3) >> 2);
    return this.commit(from, length, apart.format, apart.shared, false);
  }

  /** Puts the value, in whatever way. `false`: there is no room for it now. Throws `NotSendableError`, `NoSpaceError`, `OutOfRangeError`. */
  write(out: Outgoing): boolean {
    const { ring, encoder } = this;
    if (out.bytes === undefined) {
      let room = ring.room();
      while (room !== undefined) {
        const { from } = room;
        const limit = Math.min(room.limit, ring.reserved);
        const end = out.writeWith(encoder, from, limit);
        if (end >= 0) return this.commit(from, end - from, out.format, out.shared, false);
        // Only the ring's very end may be passed over. Elsewhere memory has to be backed first, or HEAD has moved on since it was seen.
        room = limit === ring.limit && out.bytes === undefined ? ring.roomAtStart() : undefined;
      }
    }
    const bytes = out.prepare();
    if (bytes.length > LONGEST) {
      throw new OutOfRangeError(
        `${this.title}: can't put an item of ${bytes.length} bytes, more than ${LONGEST} don't go in one; put it in parts, or send a SharedMemory`,
      );
    }
    if (!this.fits(bytes.length)) return false;
    const far = this.isFar(bytes.length);
    const length = far ? FAR_BYTES : bytes.length;
    const { from, limit } = ring.roomFor(length);
    this.reserve(limit);
    if (far) {
      const { puts, size } = ring;
      this.far.write(puts, (puts - size) & NUMBER_MASK, bytes);
      this.buffer.writeDoubleLE(bytes.length, from);
    } else this.buffer.set(bytes, from);
    return this.commit(from, length, out.format, out.shared, far);
  }

  /** Whether a payload of so many bytes can be put now. */
  fits(bytes: number): boolean {
    const { ring } = this;
    if (!this.isFar(bytes)) return ring.fits(bytes);
    if (!ring.fits(FAR_BYTES)) return false;
    // Size first: a put in between may make the oldest seem younger, and never count one that was taken.
    const { size } = ring;
    const { puts } = ring;
    if (size === 0) return true;
    const oldest = (puts - size) & NUMBER_MASK;
    const { farSeen } = this;
    if (farSeen.oldest !== oldest || farSeen.next !== puts)
      this.farSeen = { oldest, next: puts, bytes: this.far.bytesBetween(oldest, puts) };
    return this.farSeen.bytes === 0 || this.farSeen.bytes + bytes <= ring.capacity;
  }

  private isFar(bytes: number): boolean {
    return bytes > this.ring.longest;
  }

  private commit(
    from: number,
    length: number,
    format: Format,
    shared: readonly object[],
    far: boolean,
  ): true {
    if (shared.length > 0 || this.pinned.length > 0) this.pin(shared);
    this.ring.commit(from, length, format, far, shared.length > 0);
    return true;
  }

  private pin(objects: readonly object[]): void {
    const { ring } = this;
    const left = ring.size;
    this.pinned = this.pinned.filter(({ number }) => ((ring.puts - number) & NUMBER_MASK) <= left);
    if (objects.length > 0) this.pinned.push({ number: ring.puts, objects });
  }

  /** Backs the ring by memory up to that byte. Throws `NoSpaceError`. */
  private reserve(limit: number): void {
    const { ring, cell } = this;
    if (limit <= ring.reserved) return;
    const bytes = Math.min(HEADER_BYTES + ring.capacity, Math.max(limit, ring.reserved * 2));
    cell.agent.namespace.reserveData(cell, bytes);
    ring.reserved = bytes;
  }
}
