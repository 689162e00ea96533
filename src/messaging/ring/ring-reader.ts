/**
 * RingReader: takes values out of a ring. A value is read first, and then taken; if another agent
 * was faster, the value is thrown away. Small items are read in place; items that cost more to read
 * (bytes, clones, far items) are copied first.
 *
 * The shared objects in it are opened before it is taken, too: until then the item keeps them
 * (agents/kept.ts). If it is not taken, they are let go at once. Otherwise the other end of a pipe
 * would wait for an agent that is not concerned.
 *
 * Where others take, too, a small item without shared objects (CARRIES) is only copied before it is
 * taken, and read afterwards. The copy is whole: the compare-and-swap that takes it proves that
 * HEAD has not moved since. A taker killed between the two has taken the item, and the item goes
 * with it. The same happens to one that is killed on its way back from `get`.
 */

import type { Cell } from '../../agents/cell.ts';
import { takeNaming } from '../../agents/kept.ts';
import { copyOf, Decoder, MalformedError } from '../../codec/decoder.ts';
import type { Format } from '../../codec/format.ts';
import { FORMAT } from '../../codec/format.ts';
import type { Parcel } from '../../codec/parcel.ts';
import { isParcel, unpack } from '../../codec/parcel.ts';
import { isTooDeep, readClone } from '../../codec/read-clone.ts';
import { LayoutError, OutOfRangeError, StaleHandleError } from '../../errors.ts';
import type { Named } from '../../memory/place.ts';
import type { SharedObject } from '../../objects/shared-object.ts';
import { idle } from '../../waiting/spinning.ts';
import type { Far } from './far.ts';
import { readNames } from './item-names.ts';
import type { Ring } from './ring.ts';
import type { RingEnds } from './ring-ends.ts';
import type { Found } from './ring-words.ts';
import { SMALL } from './ring-words.ts';

/** Instead of a value: there is none. */
export const NOTHING: unique symbol = Symbol('nothing');

const NONE: readonly SharedObject[] = [];
const NAMELESS: readonly Named[] = [];
/** Takings after one that another was faster at. */
const CONTENDED_TAKINGS = 100;
/**
 * Nanoseconds for which a taker steps back when another was faster, and how often in a row that is
 * doubled.
 */
const FIRST_PAUSE = 500;
const MOST_DOUBLINGS = 4;

export class RingReader {
  private readonly cell: Cell;
  private readonly ring: Ring;
  private readonly buffer: Buffer;
  private readonly far: Far;
  private readonly title: string;
  private readonly taken: () => void;
  /** Items in a row that another was faster to take. */
  private lost = 0;
  private readonly decoder = new Decoder();
  private readonly apart = new Decoder();
  private readonly small = new Decoder();
  private readonly copied = new Int32Array(SMALL / 4);
  /** Takings for which others are expected to take, too. */
  private contended = 0;

  /** `taken` is called after each item that was taken. */
  constructor(cell: Cell, { ring, bytes, far, title }: RingEnds, taken: () => void) {
    this.cell = cell;
    this.ring = ring;
    this.buffer = bytes;
    this.far = far;
    this.title = title;
    this.taken = taken;
    this.decoder.aim(bytes);
    this.small.aim(Buffer.from(this.copied.buffer));
  }

  /**
   * Takes the oldest item; `NOTHING`: there is none. Throws what opening a shared object in it
   * throws, `LayoutError`: it is taken then.
   */
  take(): unknown {
    const { ring, decoder } = this;
    for (;;) {
      const found = ring.find();
      if (found === undefined) return NOTHING;
      const { head, next, from, length, format, far, carries } = found;
      // Copy first what is slow to decode, or names shared objects.
      if (carries || far || format === FORMAT.CLONED || format === FORMAT.BYTES) {
        const value = this.takeApart(found);
        if (value === NOTHING) continue;
        return value;
      }
      // Takers contend: copy small items, take, and decode then.
      if (this.contended > 0 && length <= SMALL) {
        const value = this.takeCopied(found);
        if (value === NOTHING) continue;
        return value;
      }
      // Decode in place, then take; a taker that loses discards the value.
      let value: unknown;
      let failure: unknown;
      try {
        value = decoder.decode(from, from + length, format === FORMAT.REPEATING);
      } catch (error) {
        failure = error;
      }
      if (!this.took(head, next, decoder.opened, failure)) continue;
      return value;
    }
  }

  /**
   * Takes a small item where others take, too: it is read when it is taken, so that all can do that
   * at the same time. `NOTHING`: another agent has.
   */
  private takeCopied({ head, next, from, length, format }: Found): unknown {
    this.contended--;
    this.ring.copyOut(from, this.copied, (length + 3) >> 2);
    if (!this.took(head, next, NONE, undefined)) return NOTHING;
    try {
      return this.small.decode(0, length, format === FORMAT.REPEATING);
    } catch (error) {
      throw this.reported(error);
    }
  }

  /** Takes an item that is read from memory of our own; `NOTHING`: another agent has taken it. */
  private takeApart({ head, next, from, length, format, far, carries, number }: Found): unknown {
    // Copy the names and the payload.
    const list = carries ? readNames(this.ring, from, length) : undefined;
    const payload = list === undefined ? length : list.payload;
    const bytes = far ? this.far.read(number) : copyOf(this.buffer, from, payload);
    // HEAD has moved: the copy may be torn.
    if (!this.ring.isThere(head)) return NOTHING;
    // Open the objects before taking the item, while it keeps them alive.
    const opened: SharedObject[] = [];
    let value: unknown;
    let failure: unknown;
    try {
      value = this.valueOf(carries && list === undefined ? undefined : bytes, format, opened);
    } catch (error) {
      failure = error;
    }
    if (!this.took(head, next, opened, failure, far ? number : undefined, list?.names)) return NOTHING;
    return value;
  }

  /**
   * Takes the item that was read; `false`: another agent has taken it. Throws the failure to read
   * it.
   */
  private took(
    head: number,
    next: number,
    opened: readonly SharedObject[],
    failure: unknown,
    far?: number,
    names: readonly Named[] = NAMELESS,
  ): boolean {
    const take = (): boolean => this.ring.take(head, next);
    const taken = names.length === 0 ? take() : takeNaming(this.cell.agent, names, take);
    if (taken) this.lost = 0;
    else this.stepBack();
    if (opened.length > 0 && (!taken || failure !== undefined)) {
      for (const object of opened) object[Symbol.dispose]();
    }
    if (!taken) return false;
    if (far !== undefined) this.far.remove(far);
    this.taken();
    if (failure === undefined) return true;
    if (failure instanceof StaleHandleError) throw this.notKept(failure);
    throw this.reported(failure);
  }

  /**
   * The error of an item that can't be read. JavaScript's own errors tell of bytes that are no
   * value: digits without end, text too long.
   */
  private reported(failure: unknown): unknown {
    const { code = '' } = failure as NodeJS.ErrnoException;
    const makesNoSense =
      failure instanceof MalformedError ||
      failure instanceof SyntaxError ||
      ((failure instanceof RangeError || failure instanceof TypeError) && !code.startsWith('ERR_LOCKSTEP')) ||
      code === 'ERR_STRING_TOO_LONG';
    return makesNoSense ? this.damaged(failure) : failure;
  }

  /**
   * Another takes items at this moment. It goes on faster, and so do both, if they do not read the
   * same ones over and over.
   */
  private stepBack(): void {
    this.contended = CONTENDED_TAKINGS;
    idle(FIRST_PAUSE << Math.min(this.lost++, MOST_DOUBLINGS));
  }

  private valueOf(bytes: Uint8Array | undefined, format: Format, opened: SharedObject[]): unknown {
    if (bytes === undefined) throw new MalformedError();
    if (format === FORMAT.BYTES) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    if (format === FORMAT.CLONED) return unpack(this.parcelIn(bytes), opened);
    const { apart } = this;
    apart.aim(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    try {
      return apart.decode(0, bytes.length, format === FORMAT.REPEATING);
    } finally {
      for (const object of apart.opened) opened.push(object);
    }
  }

  private parcelIn(bytes: Uint8Array): Parcel {
    try {
      const parcel = readClone(bytes);
      if (isParcel(parcel)) return parcel;
      throw new MalformedError();
    } catch (cause) {
      if (!isTooDeep(cause)) throw new MalformedError();
      throw new OutOfRangeError(
        `${this.title}: an item can't be read, it is nested too deeply for the stack of this thread; it is left out, put flatter data`,
        { cause },
      );
    }
  }

  private notKept(cause: StaleHandleError): StaleHandleError {
    return new StaleHandleError(
      `${this.title}: an item can't be read, it names an object that no longer exists and could not be kept: one of another namespace, ` +
        'or of which a part was closed before; keep that open until the item is taken, or put objects of the same namespace',
      { cause },
    );
  }

  private damaged(cause: unknown): LayoutError {
    return new LayoutError(
      `${this.title}: an item can't be read, its memory is damaged; it is left out, and what comes after it may be sound`,
      { cause },
    );
  }
}
