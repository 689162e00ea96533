/**
 * RingItems: the items in a ring, as they are found and taken. The algorithm is in ring.ts.
 */

import { cas, load, loadAcquire, loadPlain, setBits } from '#atomics';
import type { Format } from '../../codec/format.ts';
import { LayoutError } from '../../errors.ts';
import type { Words } from '../../memory/atomics.ts';
import {
  apart,
  CAPACITY_WORD,
  CARRIES,
  damaged,
  END_WORD,
  FAR_BIT,
  FORMAT_MASK,
  FORMAT_SHIFT,
  Found,
  HEAD_WORD,
  LENGTH_MASK,
  MAGIC_WORD,
  MASK,
  MOST_WORD,
  PUTS_WORD,
  RING_HEADER_WORDS,
  RING_MAGIC,
  SKIP,
  UNIT,
  UNIT_SHIFT,
  UNKNOWN,
} from './ring-words.ts';

export abstract class RingItems {
  readonly capacity: number;
  readonly most: number;
  protected readonly words: Words;
  protected readonly at: number;
  protected readonly units: number;
  /** First byte of the ring. */
  protected readonly base: number;
  /** Items after which what is known has to be looked at again. */
  protected readonly trust: number;
  /**
   * An end that was seen: all items before it are there. And the number of the item that was the
   * oldest then.
   */
  private knownEnd = UNKNOWN;
  private oldestAtEnd = 0;
  private readonly found = new Found();

  /**
   * The ring whose header begins at word `at`. Throws `LayoutError` unless it is one that fits into
   * its memory.
   */
  constructor(words: Words, at: number, title: string) {
    this.words = words;
    this.at = at;
    this.capacity = load(words, at + CAPACITY_WORD);
    this.most = load(words, at + MOST_WORD);
    this.units = this.capacity >> UNIT_SHIFT;
    this.base = (at + RING_HEADER_WORDS) * 4;
    this.trust = 2 ** 30 / this.units;
    const sound =
      load(words, at + MAGIC_WORD) === RING_MAGIC &&
      this.capacity >= UNIT * 2 &&
      this.most >= 0 &&
      (this.capacity & (this.capacity - 1)) === 0 &&
      this.base + this.capacity <= words.byteLength;
    if (sound) return;
    throw new LayoutError(
      `${title}: refused, its memory does not begin as a ring of ${this.capacity} bytes for ${this.most} items, as it says; it is damaged, make it again`,
    );
  }

  /** A word of the header, or one after it, for `describeRing`. */
  readonly word = (index: number): number => load(this.words, this.at + index);

  /** Items put so far, modulo 2^31. */
  get puts(): number {
    return load(this.words, this.at + PUTS_WORD);
  }

  /** Whether nothing is in it. */
  get empty(): boolean {
    return this.headOfItem() < 0;
  }

  /** Items in it. */
  get size(): number {
    const { words } = this;
    for (;;) {
      const head = this.headOfItem();
      if (head < 0) return 0;
      // Before the second look at HEAD, which proves that it is the item's.
      const number = loadAcquire(words, this.wordOf(this.itemAt(head)) + 1) & MASK;
      const { puts } = this;
      // HEAD has moved since, so the words read do not belong together.
      if (!this.isThere(head)) continue;
      const size = (puts - number) & MASK;
      if (size > 0 && size <= this.units) return size;
      throw damaged(`its oldest item has the number ${number}, and PUTS is ${puts}`);
    }
  }

  // Taking.

  /**
   * The oldest item; `undefined`: there is none. Throws `LayoutError` where the memory is damaged.
   */
  find(): Found | undefined {
    const { words, units, found } = this;
    for (let look = this.knownEnd === UNKNOWN; ; ) {
      // The bytes read here without order are those of the item, if HEAD has not moved when it is
      // taken.
      let head = loadPlain(words, this.at + HEAD_WORD);
      const known = (this.knownEnd - head) & MASK;
      look ||= known === 0 || known > units;
      if (look) head = this.headOfItem();
      if (head < 0) return undefined;
      const position = this.itemAt(head);
      const word = this.wordOf(position);
      const header = loadPlain(words, word);
      const length = header & LENGTH_MASK;
      const place = position & (units - 1);
      const taken = 1 + ((length + UNIT - 1) >> UNIT_SHIFT);
      const second = loadPlain(words, word + 1);
      const number = second & MASK;
      if (look) this.oldestAtEnd = number;
      else if (((number - this.oldestAtEnd) & MASK) >= this.trust) {
        look = true;
        continue;
      }
      if ((header & SKIP) === 0 && place + taken <= units) {
        found.head = head;
        found.next = (position + taken) & MASK;
        found.from = this.base + ((place + 1) << UNIT_SHIFT);
        found.length = length;
        found.format = ((header >> FORMAT_SHIFT) & FORMAT_MASK) as Format;
        found.far = (header & FAR_BIT) !== 0;
        found.carries = (second & CARRIES) !== 0;
        found.number = number;
        return found;
      }
      if (this.hasStayed(head)) {
        throw damaged(`the item at ${head} has ${length} bytes, more than are left of the ring`);
      }
    }
  }

  /**
   * Visits the items that carry shared objects, the oldest first, while others put and take. An
   * item that was there at the beginning and is there at the end was visited, perhaps others, too.
   * `visit` is called with the first byte and the length of the payload, and returns what is to be
   * done if the item was there still when that was read. Returns `false` where the memory is
   * damaged.
   */
  eachCarrying(visit: (from: number, length: number) => () => void): boolean {
    const { words, at, units } = this;
    let position = this.headOfItem();
    const end = this.knownEnd;
    while (position >= 0 && position !== end) {
      const item = this.itemAt(position);
      const word = this.wordOf(item);
      const header = loadPlain(words, word);
      const length = header & LENGTH_MASK;
      const place = item & (units - 1);
      const taken = 1 + ((length + UNIT - 1) >> UNIT_SHIFT);
      const sound = (header & SKIP) === 0 && place + taken <= units;
      const carries = sound && (loadPlain(words, word + 1) & CARRIES) !== 0;
      const settle = carries ? visit(this.base + ((place + 1) << UNIT_SHIFT), length) : undefined;
      // The items at HEAD or after it were not written over before this look. It writes nothing
      // new: only a write certainly comes after reads.
      const head = setBits(words, at + HEAD_WORD, 0);
      if (((position - head) & MASK) > units) {
        if (((end - head) & MASK) > units) return true;
        position = head;
        continue;
      }
      if (!sound) return false;
      settle?.();
      position = (item + taken) & MASK;
    }
    return true;
  }

  /**
   * Whether the item found at that HEAD is still there to be taken. A hint: only taking it is
   * certain.
   */
  isThere(head: number): boolean {
    return load(this.words, this.at + HEAD_WORD) === head;
  }

  /** Takes the item that was found between the two. `false`: another agent has taken it. */
  take(head: number, next: number): boolean {
    return cas(this.words, this.at + HEAD_WORD, head, next) === head;
  }

  /** HEAD, if an item begins there; -1: there is none. */
  private headOfItem(): number {
    const { words, at, units } = this;
    for (;;) {
      const head = load(words, at + HEAD_WORD);
      // OBSERVE item -> PUTS
      const puts = loadAcquire(words, at + PUTS_WORD);
      const end = loadAcquire(words, at + END_WORD + (puts & 1));
      // The word is reused two items later. (An atomic load: a compiler may take two others of one
      // word for the same.)
      if (load(words, at + PUTS_WORD) !== puts) continue;
      const ahead = (end - head) & MASK;
      if (ahead > units || head < 0) {
        // Where others have taken meanwhile, what was read does not fit together.
        if (load(words, at + HEAD_WORD) !== head) continue;
        throw apart(head, end, units);
      }
      this.knownEnd = end & MASK;
      // At least: the oldest item has an older number, and `find` knows it.
      this.oldestAtEnd = puts;
      return ahead === 0 ? -1 : head;
    }
  }

  /**
   * Whether words read without order belong to an item that begins at this HEAD: only a write
   * certainly comes after reads.
   */
  private hasStayed(head: number): boolean {
    return cas(this.words, this.at + HEAD_WORD, head, head) === head;
  }

  /** Where the item that begins at `head` lies: past what is skipped. */
  private itemAt(head: number): number {
    const skipped = (loadPlain(this.words, this.wordOf(head)) & SKIP) !== 0;
    return skipped ? (head - (head & (this.units - 1)) + this.units) & MASK : head;
  }

  protected wordOf(position: number): number {
    return this.at + RING_HEADER_WORDS + (position & (this.units - 1)) * 2;
  }
}
