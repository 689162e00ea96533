/** RingWriter: puts values into a ring. All of it with the lock to put. */

import type { Cell } from '../../agents/cell.ts';
import { namesOf, putNaming } from '../../agents/kept.ts';
import { Encoder } from '../../codec/encoder.ts';
import type { Format } from '../../codec/format.ts';
import type { Payload } from '../../codec/payload.ts';
import { NoSpaceError, OutOfRangeError } from '../../errors.ts';
import type { Named } from '../../memory/place.ts';
import type { SharedObject } from '../../objects/shared-object.ts';
import type { Far } from './far.ts';
import { lengthWithNames, writeNames } from './item-names.ts';
import { noteCarried } from './kept-items.ts';
import type { Ring } from './ring.ts';
import type { RingEnds } from './ring-ends.ts';
import { NUMBER_MASK, RING_HEADER_WORDS, SMALL } from './ring-words.ts';

export const HEADER_BYTES: number = RING_HEADER_WORDS * 4;
/** The longest payload: the most that Node writes and reads in one call. */
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
  /**
   * Cells that every taker has open anyway: those of the ring, and of the receiving end of a pipe.
   */
  private readonly always: number[];
  /**
   * Bytes that far items in the ring have in their files, for as long as those are the items in it.
   */
  private farSeen = { oldest: 0, next: 0, bytes: 0 };
  /**
   * Objects of other namespaces in items that were put and perhaps not yet read: this namespace
   * can't keep them.
   */
  private pinned: { number: number; objects: readonly object[] }[] = [];

  constructor(cell: Cell, { ring, bytes, far, title }: RingEnds) {
    this.cell = cell;
    this.always = [cell.number];
    this.title = title;
    this.ring = ring;
    this.buffer = bytes;
    this.far = far;
    this.encoder.aim(bytes);
    this.apart.aim(Buffer.from(this.prepared.buffer));
  }

  /** The taker of an item that is put here has the object of that cell open. */
  setReceiver(number: number): void {
    if (!this.always.includes(number)) this.always.push(number);
  }

  /**
   * Encodes the value into the ring, right after the last item or at the ring's beginning. `false`:
   * there is no room for it yet, or it has to be encoded apart.
   */
  writeInPlace(value: unknown): boolean {
    const { ring } = this;
    const room = ring.room();
    if (room === undefined) return false;
    const limit = Math.min(room.limit, ring.reserved);
    if (this.encodeAt(room.from, limit, value)) return true;
    // Only the ring's very end may be passed over. Elsewhere memory has to be backed first, or HEAD
    // has moved on since it was seen.
    if (limit !== ring.limit) return false;
    const start = ring.roomAtStart();
    return start !== undefined && this.encodeAt(start.from, Math.min(start.limit, ring.reserved), value);
  }

  /**
   * Writes a small value apart, without the lock; returns its length, or -1 where it is not small
   * or has to go another way.
   */
  prepare(value: unknown): number {
    return Math.max(this.apart.encode(value, 0, SMALL), -1);
  }

  /** Puts the prepared item. `false`: there is no room for it. */
  writePrepared(length: number): boolean {
    const { ring, apart } = this;
    const room = ring.room();
    if (room === undefined) return false;
    const { from } = room;
    const limit = Math.min(room.limit, ring.reserved);
    if (from + length > limit) return false;
    // Copy the encoded value in, then commit it.
    ring.copyIn(from, this.prepared, (length + 3) >> 2);
    if (apart.shared.length > 0) return this.carry(from, from + length, limit, apart.format, apart.shared);
    return this.commit(from, length, apart.format, false);
  }

  /**
   * Copies the payload in, into the ring or into a file. `false`: there is no room for it now.
   * Throws `NoSpaceError`, `OutOfRangeError`.
   */
  write({ bytes, format, shared }: Payload): boolean {
    const { ring } = this;
    if (bytes.length > LONGEST) {
      throw new OutOfRangeError(
        `${this.title}: can't put an item of ${bytes.length} bytes, more than ${LONGEST} don't go in one; put it in parts, or send a SharedMemory`,
      );
    }
    const names = this.namesIn(shared);
    if (!this.fitsNamed(bytes.length, names)) return false;
    const far = this.isFar(withNames(bytes.length, names));
    const payload = far ? FAR_BYTES : bytes.length;
    const length = withNames(payload, names);
    const { from, limit } = ring.roomFor(length);
    try {
      this.reserve(limit);
      const { puts, size } = ring;
      if (far) this.far.write(puts, (puts - size) & NUMBER_MASK, bytes);
    } catch (error) {
      throw error instanceof NoSpaceError ? this.noSpaceFor(bytes.length, error) : error;
    }
    if (far) this.buffer.writeDoubleLE(bytes.length, from);
    else this.buffer.set(bytes, from);
    if (names === undefined) return this.commit(from, length, format, far);
    return this.commitNamed(from, payload, format, far, names, shared);
  }

  /** Whether `write` would put the payload now. */
  hasRoomFor({ bytes, shared }: Payload): boolean {
    return this.fitsNamed(bytes.length, this.namesIn(shared));
  }

  private encodeAt(from: number, limit: number, value: unknown): boolean {
    const { encoder } = this;
    const end = encoder.encode(value, from, limit);
    if (end < 0) return false;
    // Shared objects in the item need their names behind it.
    if (encoder.shared.length > 0) return this.carry(from, end, limit, encoder.format, encoder.shared);
    return this.commit(from, end - from, encoder.format, false);
  }

  private fitsNamed(payload: number, names: readonly Named[] | undefined): boolean {
    const { ring } = this;
    if (!this.isFar(withNames(payload, names))) return ring.fits(withNames(payload, names));
    const inRing = withNames(FAR_BYTES, names);
    if (inRing > ring.longest) {
      throw new OutOfRangeError(
        `${this.title}: can't put an item with ${names?.length ?? 0} shared objects, of which ${ring.capacity} bytes can't keep so many in one; put them in several items, or make the queue larger`,
      );
    }
    if (!ring.fits(inRing)) return false;
    // Size first: a put in between may make the oldest seem younger, and never count one that was
    // taken.
    const { size } = ring;
    const { puts } = ring;
    if (size === 0) return true;
    const oldest = (puts - size) & NUMBER_MASK;
    const { farSeen } = this;
    if (farSeen.oldest !== oldest || farSeen.next !== puts)
      this.farSeen = { oldest, next: puts, bytes: this.far.bytesBetween(oldest, puts) };
    return this.farSeen.bytes === 0 || this.farSeen.bytes + payload <= ring.capacity;
  }

  private isFar(bytes: number): boolean {
    return bytes > this.ring.longest;
  }

  private commit(from: number, length: number, format: Format, far: boolean): true {
    if (this.pinned.length > 0) this.pin([]);
    this.ring.commit(from, length, format, far, false);
    return true;
  }

  /**
   * Puts in what was written between the two, with its shared objects; `false`: there is no room
   * for their names.
   */
  private carry(
    from: number,
    end: number,
    limit: number,
    format: Format,
    shared: readonly SharedObject[],
  ): boolean {
    const names = this.namesIn(shared) ?? [];
    const length = lengthWithNames(end - from, names.length);
    if (from + length > limit || length > this.ring.longest) return false;
    return this.commitNamed(from, end - from, format, false, names, shared);
  }

  private commitNamed(
    from: number,
    payload: number,
    format: Format,
    far: boolean,
    names: readonly Named[],
    shared: readonly SharedObject[],
  ): true {
    const { ring, cell } = this;
    writeNames(ring, from, payload, names);
    noteCarried(cell);
    this.pin(shared.filter((object) => object.cell.agent !== cell.agent));
    const length = lengthWithNames(payload, names.length);
    putNaming(cell.agent, names, () => ring.commit(from, length, format, far, true));
    return true;
  }

  /** The cells that an item keeps, if these objects are in it; `undefined`: there are none. */
  private namesIn(shared: readonly SharedObject[]): Named[] | undefined {
    if (shared.length === 0) return undefined;
    const names: Named[] = [];
    for (const { cell } of shared) {
      if (cell.agent === this.cell.agent) for (const named of namesOf(cell, this.always)) names.push(named);
    }
    return names;
  }

  private pin(objects: readonly object[]): void {
    const { ring } = this;
    if (objects.length === 0 && this.pinned.length === 0) return;
    const left = ring.size;
    this.pinned = this.pinned.filter(({ number }) => ((ring.puts - number) & NUMBER_MASK) <= left);
    if (objects.length > 0) this.pinned.push({ number: ring.puts, objects });
  }

  private noSpaceFor(bytes: number, cause: NoSpaceError): NoSpaceError {
    return new NoSpaceError(
      `${this.title}: can't put an item of ${bytes} bytes, the file system of "${this.cell.agent.folder}" has no room for it; ` +
        'free space there (df and df -i show it), enlarge it, or point LOCKSTEP_DIR at a larger tmpfs',
      { cause },
    );
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

function withNames(payload: number, names: readonly Named[] | undefined): number {
  return names === undefined ? payload : lengthWithNames(payload, names.length);
}
