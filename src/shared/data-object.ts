/**
 * DataObject: a shared object whose data lie in a file of their own, mapped once for all objects of
 * this thread that stand for the same cell.
 *
 *   word   name   bits                                           written by
 *   +4 +5  COUNT  the kind of data: low 32 bits, high 21 bits  the creator
 *
 * A view of the data holds the object open: the buffer, which every view refers to, keeps the
 * objects that were opened on it from being collected. Nothing else refers to the buffer strongly,
 * so objects and views that are dropped together go together, and then the mapping is given back
 * (namespaces/data-files.ts). After `close()` a view is just memory: valid, with what was in it,
 * and nobody else's. The shared memory itself is free as soon as all who had the object open have
 * closed it.
 */

import { store } from '#atomics';
import type { Cell } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { damaged } from '../memory/damage.ts';
import type { Place } from '../memory/place.ts';
import { detachData } from '../namespaces/data-files.ts';
import type { Opened } from '../objects/opened.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { COUNT_WORD, WORD } from './data-facts.ts';

/** The cell's mapping: as long as an object here uses it. */
class Mapped {
  readonly buffer: WeakRef<ArrayBuffer>;
  /** Whether something refers to it that may be read after the object was closed. */
  lent = false;

  constructor(buffer: ArrayBuffer) {
    this.buffer = new WeakRef(buffer);
  }
}

/** The open objects on each buffer. */
const users = new WeakMap<ArrayBuffer, Set<object>>();

/** `Data`: the class's view of its bytes. */
export abstract class DataObject<Data> extends SharedObject {
  // Really private: a record has fields of any name beside it.
  #mapped: { readonly buffer: ArrayBuffer; readonly data: Data } | undefined;

  /**
   * `bytes` tells from the cell how many bytes its data have, `see` makes of them what the class
   * works with. Throws `LayoutError` if they are not there. `lends`: objects of the class give out
   * what reads the data itself, all the time.
   */
  constructor(
    type: Kind,
    opened: Opened,
    bytes: (cell: Cell) => number,
    see: (buffer: ArrayBuffer, cell: Cell, title: string) => Data,
    lends = false,
  ) {
    super(type, opened);
    const { cell } = opened;
    try {
      const buffer = bufferOf(cell, bytes(cell));
      this.#mapped = { buffer, data: see(buffer, cell, SharedObject.titleOf(this)) };
      if (lends && cell.extension instanceof Mapped) cell.extension.lent = true;
      const together = users.get(buffer);
      if (together === undefined) users.set(buffer, new Set([this]));
      else together.add(this);
    } catch (error) {
      DataObject.prototype.close.call(this);
      throw error;
    }
  }

  /**
   * Ends this object's use in this thread. Idempotent. Views that were taken before stay valid
   * memory; the object itself lives on while anybody else has it open.
   */
  override close(): void {
    if (this.#mapped !== undefined) users.get(this.#mapped.buffer)?.delete(this);
    this.#mapped = undefined;
    super.close();
  }

  /**
   * @internal Says that something is given out which reads the data itself: it finds them there
   * also when the object was closed.
   */
  static lend(object: DataObject<unknown>): void {
    const { extension } = object.cell;
    if (extension instanceof Mapped) extension.lent = true;
  }

  /** @internal The data as the class sees them. Throws `ClosedError`. */
  static dataOf<Data>(object: DataObject<Data>): Data {
    const mapped = object.#mapped;
    if (mapped === undefined || object.closed) throw object.closedError();
    return mapped.data;
  }
}

/** Notes in the cell what the data hold. */
export function storeCount({ words, at }: Place, count: number): void {
  store(words, at + COUNT_WORD, count | 0);
  store(words, at + COUNT_WORD + 1, Math.floor(count / WORD));
}

/** Throws `LayoutError` if the cell's words say that there are more bytes than are mapped. */
export function checkWithin({ number }: Cell, bytes: number, { byteLength }: ArrayBuffer): void {
  if (bytes <= byteLength) return;
  throw damaged(
    `shared data of cell ${number}`,
    `the cell says that they have ${bytes} bytes, and ${byteLength} are mapped`,
  );
}

function bufferOf(cell: Cell, bytes: number): ArrayBuffer {
  const known = cell.extension instanceof Mapped ? cell.extension.buffer.deref() : undefined;
  if (known !== undefined) {
    checkWithin(cell, bytes, known);
    return known;
  }
  const { buffer } = cell.agent.namespace.mapData(cell, bytes);
  const mapped = new Mapped(buffer);
  cell.extension = mapped;
  cell.onClosed = () => {
    const left = mapped.buffer.deref();
    if (left !== undefined) detachData(left, mapped.lent);
  };
  return buffer;
}
