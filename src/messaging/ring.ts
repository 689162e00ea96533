/**
 * Ring: items of any size in shared memory, put by one agent at a time, taken by any number; the one mechanism under queues and pipes.
 *
 *   word  name      bits                                                     written by
 *   +0    MAGIC     "RING"                                                   the creator
 *   +1    CAPACITY  bytes of the ring, a power of two                        the creator
 *   +2    MOST      items that may lie in it at once; 0: no limit            the creator
 *   +16   HEAD      30…0 position of the oldest item                         takers, CAS only
 *   +32   PUTS      30…0 items put so far                                    who has the lock to put
 *   +33   END_EVEN  30…0 position after the last item, when PUTS is even     the same
 *   +34   END_ODD   the same, when PUTS is odd                               the same
 *   +35   RESERVED  bytes from the beginning that are backed by memory       the same
 *   +48   DONE      30…0 items that were reported done (JoinableQueue)       anyone, CAS only
 *
 * The ring itself begins at word 64.
 *
 * Positions count units of 8 bytes and never begin anew (but at 2^31 units); the place of a position is its rest modulo the capacity. An item lies in
 * one piece: a unit with its header, then its payload. Where it does not fit before the ring's end, a header says SKIP. (Not where it only lacks memory
 * that is backed, or a newer HEAD: what is skipped is lost until HEAD has passed it, and the ring would be full too early.)
 *
 *   header +0  31 SKIP | 30…29 format | 28 FAR | 27…0 bytes of the payload       +4  its number: PUTS before it
 *
 *   put    with the lock: write the item after the end, write the new end into the END word that is not in use, then PUTS + 1: that one store puts
 *          the item in, with its end. Who dies before has put nothing, and the next one writes over it.         // PUBLISH item -> PUTS
 *   take   read HEAD, then the end; read the item; CAS HEAD to the next. Whose CAS succeeds has taken it, and has read it whole, as nobody
 *          writes over it before HEAD has moved. Who fails has read something, and throws it away.             // OBSERVE item -> PUTS
 *
 * There is no lock to take, so a taker that dies blocks nobody: it has taken its item, or not. (The seat is the compare-and-swap on a counter that
 * never comes back; the two end words are those of a double-buffered register.)
 *
 * Race: T reads HEAD (T1) and sleeps; others take all, and P puts new items over what T reads. T's CAS expects the HEAD of T1 and fails, unless exactly
 * 2^31 units passed meanwhile, 16 GiB. Until it fails, T may read anything: lengths are checked before they are believed.
 */

import { cas, load, store } from '#atomics';
import { LayoutError } from '../errors.ts';
import type { Words } from '../memory/atomics.ts';

export const RING_MAGIC = 0x474e4952;
const MAGIC_WORD = 0;
const CAPACITY_WORD = 1;
const MOST_WORD = 2;
const HEAD_WORD = 16;
const PUTS_WORD = 32;
const END_WORD = 33;
const RESERVED_WORD = 35;
const DONE_WORD = 48;
/** Words before the ring itself. */
export const RING_HEADER_WORDS = 64;

const MASK = 0x7fffffff;
const UNIT_SHIFT = 3;
/** Bytes of a unit. */
export const UNIT: number = 1 << UNIT_SHIFT;
const SKIP = 1 << 31;
const FORMAT_SHIFT = 29;
const FORMAT_MASK = 3;
const FAR_BIT: number = 1 << 28;
const LENGTH_MASK: number = FAR_BIT - 1;

/** How an item's payload is written. */
export const FORMAT = { VALUE: 0, REPEATING: 1, CLONED: 2, BYTES: 3 } as const;
export type Format = (typeof FORMAT)[keyof typeof FORMAT];

/** An item as it lies in the ring, until it is taken by somebody. */
export interface Found {
  /** HEAD when it was found. */
  readonly head: number;
  /** HEAD when it is taken. */
  readonly next: number;
  /** First byte of its payload. */
  readonly from: number;
  readonly length: number;
  readonly format: Format;
  readonly far: boolean;
  readonly number: number;
}

/** A place for an item that is about to be put. */
export interface Room {
  /** First byte that the payload may use, and the first that it may not. */
  readonly from: number;
  readonly limit: number;
}

export class Ring {
  readonly capacity: number;
  readonly most: number;
  private readonly words: Words;
  private readonly at: number;
  private readonly units: number;
  /** First byte of the ring. */
  private readonly base: number;
  /** An end that was seen: what lies before it is there. */
  private knownEnd = 0;
  /** A HEAD that was seen: what lies before it is free. */
  private knownHead = 0;

  /** The ring whose header begins at word `at`. Throws `LayoutError` unless it is one that fits into its memory. */
  constructor(words: Words, at: number, title: string) {
    this.words = words;
    this.at = at;
    this.capacity = load(words, at + CAPACITY_WORD);
    this.most = load(words, at + MOST_WORD);
    this.units = this.capacity >> UNIT_SHIFT;
    this.base = (at + RING_HEADER_WORDS) * 4;
    const sound =
      load(words, at + MAGIC_WORD) === RING_MAGIC &&
      this.capacity >= UNIT * 2 &&
      (this.capacity & (this.capacity - 1)) === 0 &&
      this.base + this.capacity <= words.byteLength;
    if (sound) return;
    throw new LayoutError(
      `${title}: refused, its memory does not begin as a ring or is shorter than it says (${this.capacity} bytes); it is damaged, make it anew`,
    );
  }

  /** The header of a new ring, of which `reserved` bytes with the header are backed by memory. */
  static header(capacity: number, most: number, reserved: number): Uint8Array {
    const header = new Int32Array(RING_HEADER_WORDS);
    header[MAGIC_WORD] = RING_MAGIC;
    header[CAPACITY_WORD] = capacity;
    header[MOST_WORD] = most;
    header[RESERVED_WORD] = reserved;
    return new Uint8Array(header.buffer);
  }

  /** Items put so far, modulo 2^31. */
  get puts(): number {
    return load(this.words, this.at + PUTS_WORD);
  }

  /** Whether nothing is in it. */
  get empty(): boolean {
    const head = load(this.words, this.at + HEAD_WORD);
    return !this.isBefore(head);
  }

  /** Items in it. */
  get size(): number {
    for (;;) {
      const found = this.find();
      const { puts } = this;
      if (found === undefined) return 0;
      if (load(this.words, this.at + HEAD_WORD) === found.head) return (puts - found.number) & MASK;
    }
  }

  /** The longest payload that goes through the ring in one piece. */
  get longest(): number {
    return Math.min(LENGTH_MASK, (this.capacity >> 2) - UNIT);
  }

  /** First byte past the ring. */
  get limit(): number {
    return this.base + this.capacity;
  }

  // Taking.

  /** The oldest item; `undefined`: there is none. Throws `LayoutError` where the memory is damaged. */
  find(): Found | undefined {
    const { words, at, units } = this;
    for (;;) {
      const head = load(words, at + HEAD_WORD);
      if (!this.isBefore(head)) return undefined;
      let position = head;
      let header = load(words, this.wordOf(position));
      if ((header & SKIP) !== 0) {
        position = (position - (position & (units - 1)) + units) & MASK;
        header = load(words, this.wordOf(position));
      }
      const length = header & LENGTH_MASK;
      const place = position & (units - 1);
      const taken = 1 + ((length + UNIT - 1) >> UNIT_SHIFT);
      if ((header & SKIP) === 0 && place + taken <= units) {
        return {
          head,
          next: (position + taken) & MASK,
          from: this.base + ((place + 1) << UNIT_SHIFT),
          length,
          format: ((header >> FORMAT_SHIFT) & FORMAT_MASK) as Format,
          far: (header & FAR_BIT) !== 0,
          number: load(words, this.wordOf(position) + 1),
        };
      }
      if (load(words, at + HEAD_WORD) === head) throw damaged(head);
    }
  }

  /** Whether the item is still there to be taken: what was read of it is what was put. */
  isThere({ head }: Found): boolean {
    return load(this.words, this.at + HEAD_WORD) === head;
  }

  /** Takes the item that was found. `false`: somebody else has. */
  take({ head, next }: Found): boolean {
    return cas(this.words, this.at + HEAD_WORD, head, next) === head;
  }

  // Putting: all of it with the lock to put.

  /** Room for an item right after the last; `undefined` where not even a byte fits, or as many items lie in it as may. */
  room(): Room | undefined {
    if (!this.mayHoldMore()) return undefined;
    const place = this.end & (this.units - 1);
    const free = Math.min(this.free(1), this.units - place);
    return free < 2 ? undefined : this.roomAt(place, free);
  }

  /** Room at the ring's beginning, past what is left of it at its end. */
  roomAtStart(): Room | undefined {
    if (!this.mayHoldMore()) return undefined;
    const left = this.units - (this.end & (this.units - 1));
    const free = this.free(left + 2) - left;
    return free < 2 ? undefined : this.roomAt(0, free);
  }

  /** Whether an item of so many bytes can be put now. */
  fits(bytes: number): boolean {
    if (!this.mayHoldMore()) return false;
    const wanted = 1 + ((bytes + UNIT - 1) >> UNIT_SHIFT);
    const left = this.units - (this.end & (this.units - 1));
    if (wanted <= left) return this.free(wanted) >= wanted;
    return this.free(left + wanted) >= left + wanted;
  }

  /** Room for an item of so many bytes, which `fits`. */
  roomFor(bytes: number): Room {
    const wanted = 1 + ((bytes + UNIT - 1) >> UNIT_SHIFT);
    const place = this.end & (this.units - 1);
    return wanted <= this.units - place ? this.roomAt(place, wanted) : this.roomAt(0, wanted);
  }

  /** Puts the item in whose payload has been written into the room. */
  commit(room: Room, length: number, format: Format, far: boolean): void {
    const { words, at, units } = this;
    const { end, puts } = this;
    const place = ((room.from - this.base) >> UNIT_SHIFT) - 1;
    let position = end;
    if (place !== (end & (units - 1))) {
      store(words, this.wordOf(end), SKIP);
      position = end - (end & (units - 1)) + units;
    }
    const word = this.wordOf(position);
    store(words, word + 1, puts);
    store(words, word, length | (format << FORMAT_SHIFT) | (far ? FAR_BIT : 0));
    const next = (position + 1 + ((length + UNIT - 1) >> UNIT_SHIFT)) & MASK;
    store(words, at + END_WORD + ((puts + 1) & 1), next);
    // PUBLISH item -> PUTS
    store(words, at + PUTS_WORD, (puts + 1) & MASK);
  }

  /** Bytes, from that of the header's first word on, that are backed by memory. */
  get reserved(): number {
    return load(this.words, this.at + RESERVED_WORD);
  }

  set reserved(bytes: number) {
    store(this.words, this.at + RESERVED_WORD, bytes);
  }

  // Reporting done.

  /** Items that were put and not reported done. */
  get unfinished(): number {
    return (this.puts - load(this.words, this.at + DONE_WORD)) & MASK;
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

  private get end(): number {
    return load(this.words, this.at + END_WORD + (this.puts & 1));
  }

  /** Whether an item begins at `head`: there is one before the end. */
  private isBefore(head: number): boolean {
    const { words, at, units } = this;
    const known = (this.knownEnd - head) & MASK;
    if (known !== 0 && known <= units) return true;
    for (;;) {
      const { puts } = this;
      const end = load(words, at + END_WORD + (puts & 1));
      // The word is reused two items later.
      if (this.puts !== puts) continue;
      this.knownEnd = end;
      return end !== head && ((end - head) & MASK) <= units;
    }
  }

  private mayHoldMore(): boolean {
    const { most } = this;
    return most === 0 || this.size < most;
  }

  /** Units that are free; looks at HEAD only where what is known is less than `wanted`. */
  private free(wanted: number): number {
    const { end, units } = this;
    const known = units - ((end - this.knownHead) & MASK);
    if (known >= wanted && known <= units) return known;
    this.knownHead = load(this.words, this.at + HEAD_WORD);
    return units - ((end - this.knownHead) & MASK);
  }

  private roomAt(place: number, units: number): Room {
    const from = this.base + ((place + 1) << UNIT_SHIFT);
    return { from, limit: from + ((units - 1) << UNIT_SHIFT) };
  }

  private wordOf(position: number): number {
    return this.at + RING_HEADER_WORDS + (position & (this.units - 1)) * 2;
  }
}

function damaged(head: number): LayoutError {
  return new LayoutError(
    `ring: can't be read, the item at ${head} is longer than the ring; its memory is damaged, make the queue or pipe anew`,
  );
}
