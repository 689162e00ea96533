/**
 * DataObject: a shared object whose data lie in a file of their own, mapped once for all objects of this thread that stand for the
 * same cell.
 *
 *   word   name   bits                                           written by
 *   +4 +5  COUNT  what the data hold: low 32 bits, high 21 bits  the creator
 *
 * Who holds a view of the data holds the object open: the buffer, which every view refers to, keeps the objects that were
 * opened on it from being collected. Nothing else refers to the buffer strongly, so objects and views that are dropped together go
 * together, and then the mapping is given back (namespaces/data-files.ts). After `close()` a view is just memory: valid, and perhaps nobody else's.
 */

import { load, store } from '#atomics';
import type { Cell, ObjectType } from '../agents/cell.ts';
import type { Place } from '../memory/arena.ts';
import { damaged } from '../memory/damage.ts';
import { CELL_BODY } from '../memory/layout.ts';
import type { Opened } from '../objects/opened.ts';
import { SharedObject } from '../objects/shared-object.ts';

const COUNT_WORD: number = CELL_BODY + 4;
const WORD = 2 ** 32;

/** The cell's mapping: as long as somebody here uses it. */
class Mapped {
  readonly buffer: WeakRef<ArrayBuffer>;

  constructor(buffer: ArrayBuffer) {
    this.buffer = new WeakRef(buffer);
  }
}

/** The open objects on each buffer. */
const users = new WeakMap<ArrayBuffer, Set<object>>();

/** `Data`: how the class sees its bytes. */
export abstract class DataObject<Data> extends SharedObject {
  // Really private: a record has fields of any name beside it.
  #mapped: { readonly buffer: ArrayBuffer; readonly data: Data } | undefined;

  /**
   * `bytes` tells from the cell how many bytes its data have, `see` makes of them what the class works with. Throws `LayoutError` if they
   * are not there.
   */
  protected constructor(
    type: ObjectType,
    opened: Opened,
    bytes: (cell: Cell) => number,
    see: (buffer: ArrayBuffer, cell: Cell, title: string) => Data,
  ) {
    super(type, opened);
    const { cell } = opened;
    try {
      const buffer = bufferOf(cell, bytes(cell));
      this.#mapped = { buffer, data: see(buffer, cell, SharedObject.titleOf(this)) };
      const together = users.get(buffer);
      if (together === undefined) users.set(buffer, new Set([this]));
      else together.add(this);
    } catch (error) {
      DataObject.prototype.close.call(this);
      throw error;
    }
  }

  /**
   * Ends this object's use in this thread. Idempotent. Views that were taken before stay valid memory; the object itself lives on while
   * anybody else has it open.
   */
  override close(): void {
    if (this.#mapped !== undefined) users.get(this.#mapped.buffer)?.delete(this);
    this.#mapped = undefined;
    super.close();
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

export function loadCount({ words, at }: Place): number {
  return (load(words, at + COUNT_WORD) >>> 0) + (load(words, at + COUNT_WORD + 1) >>> 0) * WORD;
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
  cell.extension = new Mapped(buffer);
  return buffer;
}
