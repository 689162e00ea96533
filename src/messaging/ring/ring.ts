/**
 * Ring: items of any size in shared memory, put by one agent at a time, taken by any number; the
 * one mechanism under queues and pipes.
 *
 *   word  name      bits                                                  written by
 *   +0    MAGIC     "RING"                                                the creator
 *   +1    CAPACITY  bytes of the ring, a power of two                     the creator
 *   +2    MOST      items that may lie in it at once; 0: no limit         the creator
 *   +16   HEAD      30…0 position of the oldest item                      takers, CAS only (a look
 *                                                                         may write what is there)
 *   +32   PUTS      30…0 items put so far                                 holder of the put lock
 *   +33   END_EVEN  30…0 position after the last item, when PUTS is even  the same
 *   +34   END_ODD   the same, when PUTS is odd                            the same
 *   +35   RESERVED  bytes from the beginning that are backed by memory    the same
 *   +48   DONE      30…0 items that were reported done (JoinableQueue)    anyone, CAS only
 *
 * The ring itself begins at word 64.
 *
 * Positions count units of 8 bytes. They only grow, and wrap around after 2^31 units; a position
 * modulo the capacity is its place in the ring. An item lies in one piece: a unit with its header,
 * then its payload. If it does not fit before the ring's end, a header says SKIP. (A put that only
 * lacks backed memory, or a newer HEAD, does not skip. A skipped place is lost until HEAD has
 * passed it, and the ring would be full too early.)
 *
 *   header +0  31 SKIP | 30…29 format | 28 FAR | 27…0 bytes of the payload
 *          and then 31 CARRIES | 30…0 its number: PUTS before it
 *
 *   put    with the lock: write the item after the end, write the new end into the END word that is
 *          not in use, then PUTS + 1. That one store puts the item in, with its end. A producer
 *          that dies before this store has put nothing, and the next producer overwrites its bytes.
 *          // PUBLISH item -> PUTS
 *   take   read HEAD, then the end; read the item; CAS HEAD to the next. A taker whose CAS
 *          succeeds has read it whole, as nobody writes over it before HEAD has moved. A taker
 *          whose CAS fails throws away what it has read.
 *          // OBSERVE item -> PUTS
 *
 * Taking needs no lock, so a taker that dies blocks no other thread: it has taken its item, or not.
 * (The compare-and-swap is on a counter that only grows; the two end words are those of a
 * double-buffered register.)
 *
 * Race: T reads HEAD (T1) and sleeps; others take all, and P puts new items over what T reads. T's
 * CAS expects the HEAD of T1 and fails, unless exactly 2^31 units (16 GiB) passed in between.
 * Until it fails, T may read any bytes, so it checks each length before it uses it.
 *
 * Race: an agent keeps an end and a HEAD that it saw, and compares positions with them. If 2^31
 * units pass before it looks again, an old position seems to be ahead. So it counts the items since
 * by their numbers: `trust` items, each at most as long as the ring, are less than 2^31 units. An
 * agent that has read no position yet knows none: 0 would be as wrong as any other (UNKNOWN).
 *
 * Damage (docs/internals/trust.md): HEAD and the end are never further apart than the ring is long.
 * Words that are read while HEAD stays the same were so at that moment. Where they can't have been,
 * the call throws `LayoutError` instead of waiting forever.
 */

import { cas, load, loadPlain, storePlain, storeRelease } from '#atomics';
import type { Format } from '../../codec/format.ts';
import type { Words } from '../../memory/atomics.ts';
import { RingItems } from './ring-items.ts';
import {
  apart,
  CAPACITY_WORD,
  CARRIES,
  DONE_WORD,
  END_WORD,
  FAR_BIT,
  FORMAT_SHIFT,
  HEAD_WORD,
  LONGEST_IN_PLACE,
  MAGIC_WORD,
  MASK,
  MOST_WORD,
  PUTS_WORD,
  RESERVED_WORD,
  RING_HEADER_WORDS,
  RING_MAGIC,
  RingSpace,
  SKIP,
  UNIT,
  UNIT_SHIFT,
  UNKNOWN,
} from './ring-words.ts';

/** Taking is in ring-items.ts; this adds putting, and the count of what was done. */
export class Ring extends RingItems {
  /** A HEAD that was seen: the space before it is free. And PUTS then. */
  private knownHead = UNKNOWN;
  private putsAtHead = 0;
  /** Items that had been taken when that was looked at last. */
  private knownTaken = UNKNOWN;
  /** Bytes of the item that was put here last; Infinity for one that lies apart. */
  committed = 0;
  private readonly place = new RingSpace();

  /** The header of a new ring, of which `reserved` bytes with the header are backed by memory. */
  static header(capacity: number, most: number, reserved: number): Uint8Array {
    const header = new Int32Array(RING_HEADER_WORDS);
    header[MAGIC_WORD] = RING_MAGIC;
    header[CAPACITY_WORD] = capacity;
    header[MOST_WORD] = most;
    header[RESERVED_WORD] = reserved;
    return new Uint8Array(header.buffer);
  }

  /** The longest payload that is sure to go through the ring in one piece, whatever lies in it. */
  get longest(): number {
    return Math.min(LONGEST_IN_PLACE, (this.capacity >> 2) - UNIT);
  }

  /** First byte past the ring. */
  get limit(): number {
    return this.base + this.capacity;
  }

  // Putting: with the lock to put, but for `fits`.

  /**
   * Room for an item right after the last; `undefined` where not even a byte fits, or as many items
   * lie in it as may.
   */
  room(): RingSpace | undefined {
    if (!this.mayHoldMore()) return undefined;
    const place = this.end & (this.units - 1);
    const free = Math.min(this.free(1), this.units - place);
    return free < 2 ? undefined : this.roomAt(place, free);
  }

  /** Room at the ring's beginning, past what is left of it at its end. */
  roomAtStart(): RingSpace | undefined {
    if (!this.mayHoldMore()) return undefined;
    const left = this.units - (this.end & (this.units - 1));
    const free = this.free(left + 2) - left;
    return free < 2 ? undefined : this.roomAt(0, free);
  }

  /**
   * Whether an item of so many bytes can be put now. Without the lock to put it is a hint.
   *
   * Race: W reads the end without the lock; P puts an item, T takes it, and HEAD passes the end
   * that W has read. W reads HEAD, and the two do not fit together though nothing is damaged. PUTS
   * has changed then, and W looks at both again (`free`).
   */
  fits(bytes: number): boolean {
    if (!this.mayHoldMore()) return false;
    const wanted = 1 + ((bytes + UNIT - 1) >> UNIT_SHIFT);
    const left = this.units - (this.end & (this.units - 1));
    if (wanted <= left) return this.free(wanted) >= wanted;
    return this.free(left + wanted) >= left + wanted;
  }

  /** Room for an item of so many bytes, which `fits`. */
  roomFor(bytes: number): RingSpace {
    const wanted = 1 + ((bytes + UNIT - 1) >> UNIT_SHIFT);
    const place = this.end & (this.units - 1);
    return wanted <= this.units - place ? this.roomAt(place, wanted) : this.roomAt(0, wanted);
  }

  /** Copies so many words into the room that begins at the byte `from`. */
  copyIn(from: number, source: Words, count: number): void {
    const { words } = this;
    const at = from >> 2;
    for (let index = 0; index < count; index++) storePlain(words, at + index, source[index]!);
  }

  /** Copies so many words of the item's payload out. */
  copyOut(from: number, target: Words, count: number): void {
    const { words } = this;
    const at = from >> 2;
    for (let index = 0; index < count; index++) target[index] = loadPlain(words, at + index);
  }

  /**
   * Puts the item in whose payload has been written from the byte `from` on. The caller has to
   * release the lock before it announces the item.
   */
  commit(from: number, length: number, format: Format, far: boolean, carries: boolean): void {
    this.committed = far ? Number.POSITIVE_INFINITY : length;
    const { words, at, units } = this;
    const puts = loadPlain(words, at + PUTS_WORD);
    let position = loadPlain(words, at + END_WORD + (puts & 1));
    const left = position & (units - 1);
    if (((from - this.base) >> UNIT_SHIFT) - 1 !== left) {
      storePlain(words, this.wordOf(position), SKIP);
      position = position - left + units;
    }
    const word = this.wordOf(position);
    storePlain(words, word + 1, carries ? puts | CARRIES : puts);
    storePlain(words, word, length | (format << FORMAT_SHIFT) | (far ? FAR_BIT : 0));
    const next = (position + 1 + ((length + UNIT - 1) >> UNIT_SHIFT)) & MASK;
    storePlain(words, at + END_WORD + ((puts + 1) & 1), next);
    // PUBLISH item -> PUTS
    storeRelease(words, at + PUTS_WORD, (puts + 1) & MASK);
  }

  /** Bytes, from that of the header's first word on, that are backed by memory. */
  get reserved(): number {
    return loadPlain(this.words, this.at + RESERVED_WORD);
  }

  set reserved(bytes: number) {
    storePlain(this.words, this.at + RESERVED_WORD, bytes);
  }

  // Reporting done.

  /**
   * Items that were put and not reported done. DONE first: it never passes PUTS, so 0 was true at
   * the look at PUTS. (Race: J reads PUTS; W puts what follows from its item, and only then reports
   * that one done; J reads DONE. The two are the same, though something was always left.)
   */
  get unfinished(): number {
    const done = load(this.words, this.at + DONE_WORD);
    return (this.puts - done) & MASK;
  }

  /** Reports one item done; returns how many are left, or -1 if all were already. */
  finish(): number {
    const { words, at } = this;
    for (;;) {
      const done = load(words, at + DONE_WORD);
      const { puts } = this;
      if (done === puts) return -1;
      if (cas(words, at + DONE_WORD, done, (done + 1) & MASK) === done) return (puts - done - 1) & MASK;
    }
  }

  /** Only the holder of the put lock changes it. */
  private get end(): number {
    const { words, at } = this;
    return loadPlain(words, at + END_WORD + (loadPlain(words, at + PUTS_WORD) & 1));
  }

  private mayHoldMore(): boolean {
    const { most } = this;
    if (most === 0) return true;
    const puts = loadPlain(this.words, this.at + PUTS_WORD);
    if (this.knownTaken !== UNKNOWN && ((puts - this.knownTaken) & MASK) < most) return true;
    const { size } = this;
    this.knownTaken = (puts - size) & MASK;
    return size < most;
  }

  /** Units that are free; looks at HEAD only where what is known is less than `wanted`. */
  private free(wanted: number): number {
    const { words, at, units } = this;
    for (;;) {
      const puts = loadPlain(words, at + PUTS_WORD);
      const end = loadPlain(words, at + END_WORD + (puts & 1));
      const known = units - ((end - this.knownHead) & MASK);
      const recent = this.knownHead !== UNKNOWN && ((puts - this.putsAtHead) & MASK) < this.trust;
      if (known >= wanted && known <= units && recent) return known;
      const head = load(words, at + HEAD_WORD);
      const used = (end - head) & MASK;
      if (used > units || head < 0) {
        // Without the lock, others may have put and taken items since the end was read.
        if (load(words, at + PUTS_WORD) !== puts) continue;
        throw apart(head, end, units);
      }
      this.knownHead = head;
      this.putsAtHead = puts;
      return units - used;
    }
  }

  private roomAt(place: number, units: number): RingSpace {
    const room = this.place;
    room.from = this.base + ((place + 1) << UNIT_SHIFT);
    room.limit = room.from + Math.min((units - 1) << UNIT_SHIFT, LONGEST_IN_PLACE);
    return room;
  }
}
