/**
 * ShareableList: a list of strings, bytes, numbers, booleans and nulls in shared memory, of a fixed
 * length.
 *
 *   word   name    bits                                           written by
 *   +0     LENGTH  items                                          the creator
 *   +4 +5  COUNT   bytes of data: low 32 bits, high 21 bits       the creator
 *
 * The items lie in the object's file of data (list-items.ts).
 */

import { inspect } from 'node:util';
import { load, store } from '#atomics';
import type { Host } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import type { ObjectOptions } from '../contracts.ts';
import { InvalidTypeError } from '../errors.ts';
import type { Place } from '../memory/place.ts';
import { obtainChecked } from '../objects/content.ts';
import { openHandle } from '../objects/handles.ts';
import { obtainExisting } from '../objects/obtain.ts';
import { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { checkKnown } from '../options.ts';
import { describeList, LENGTH_WORD, loadCount } from './data-facts.ts';
import { DataObject, storeCount } from './data-object.ts';
import { indexIn } from './elements.ts';
import type { ListValue } from './list-items.ts';
import { dataOf, itemOf, ListItems } from './list-items.ts';

/** Values that `toString` shows. */
const SHOWN = 8;

/** The state of a list, as `describe()` returns it. */
export interface ShareableListDescription extends Description {
  length: number;
  values: ListValue[];
}

/**
 * A list of fixed length, whose items processes and threads read and replace.
 *
 * The room for each item is fixed: the size of its first value in UTF-8, rounded up to a multiple
 * of 8 bytes. Setting a longer text throws `OutOfRangeError` and changes nothing. Numbers, booleans
 * and `null` fit everywhere. No call waits, and there is no lock: if several threads write the same
 * item, guard it with a lock of your own. *If a process dies* while it writes, a text may be half
 * written.
 *
 * @example
 * const list = new ShareableList(['pending', 0, null, true]);
 * list.set(0, 'done');
 * console.log([...list]);      // [ 'done', 0, null, true ]
 */
export class ShareableList extends DataObject<ListItems> implements Iterable<ListValue> {
  /**
   * Makes a list of the values. With a name and no values, opens the list of that name, and throws
   * `NotFoundError` if there is none. Also throws `InvalidTypeError`, `OutOfRangeError`,
   * `NoSpaceError`.
   */
  constructor(values: Iterable<ListValue>, options?: ObjectOptions);
  constructor(options: ObjectOptions & { name: string });
  /** @internal */
  constructor(opened: Opened);
  constructor(
    source: Iterable<ListValue> | (ObjectOptions & { name: string }) | Opened,
    options?: ObjectOptions,
  ) {
    const opened = source instanceof Opened ? source : obtainList(source, options);
    super(
      SHAREABLE_LIST_KIND,
      opened,
      loadCount,
      (buffer, { words, at }) => new ListItems(buffer, load(words, at + LENGTH_WORD)),
    );
  }

  /** Opens the list that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): ShareableList {
    return new ShareableList(openHandle(SHAREABLE_LIST_KIND, handle));
  }

  /** The number of items. It never changes. */
  get length(): number {
    return this.items.length;
  }

  /**
   * The item; negative indexes count from the end. Throws `OutOfRangeError` if there is none; never
   * returns `undefined`.
   */
  at(index: number): ListValue {
    return this.items.read(indexIn(this.title, this.items.length, index));
  }

  /**
   * Replaces an item. Throws `OutOfRangeError` if the text is too long, or if there is no such
   * index.
   */
  set(index: number, value: ListValue): void {
    const at = indexIn(this.title, this.items.length, index);
    this.items.write(`${this.title}[${index}]`, at, value);
  }

  *[Symbol.iterator](): IterableIterator<ListValue> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }

  /**
   * The index of the first item that equals the value (bytes are compared one by one); -1 if there
   * is none.
   */
  indexOf(value: ListValue): number {
    for (let index = 0; index < this.length; index++) if (same(this.at(index), value)) return index;
    return -1;
  }

  /** The number of items that equal the value. */
  count(value: ListValue): number {
    return [...this].filter((item) => same(item, value)).length;
  }

  /** A copy as plain values, which does not change with the original. */
  toArray(): ListValue[] {
    return [...this];
  }

  override describe(): ShareableListDescription {
    return SharedObject.describe(this, () => {
      const { name, handle, cell } = this;
      const { state } = describeList(cell.agent.namespace, cell);
      return { kind: SHAREABLE_LIST_KIND.name, name: name ?? null, handle, ...state, values: this.toArray() };
    });
  }

  protected override summary(): string {
    const shown = Array.from({ length: Math.min(this.length, SHOWN) }, (_, index) => inspect(this.at(index)));
    if (this.length > SHOWN) shown.push(`… ${this.length - SHOWN} more`);
    return `[ ${shown.join(', ')} ]`;
  }

  private get items(): ListItems {
    return DataObject.dataOf(this);
  }
}

function obtainList(source: unknown, options: ObjectOptions | undefined): Opened {
  if (typeof source !== 'object' || source === null) {
    throw new InvalidTypeError(
      `ShareableList: refused, ${inspect(source)} is not a list of values; pass e.g. [1, 'two'], or { name } to open one`,
    );
  }
  if (Symbol.iterator in source) return obtainOf([...(source as Iterable<unknown>)], options);
  checkKnown(SHAREABLE_LIST_KIND.name, source, SHAREABLE_LIST_KIND.name);
  const { name, namespace } = source as ObjectOptions;
  if (name !== undefined) return obtainExisting(SHAREABLE_LIST_KIND, name, namespace);
  throw new InvalidTypeError(
    "ShareableList: refused, it has neither values nor a name; pass e.g. [1, 'two'], or { name } to open one",
  );
}

function obtainOf(values: readonly unknown[], options: ObjectOptions | undefined): Opened {
  const data = dataOf(values.map((value, index) => itemOf(`${SHAREABLE_LIST_KIND.name}[${index}]`, value)));
  const make = (place: Place, agent: Host): void => {
    // There are no empty mappings.
    const bytes = Math.max(1, data.length);
    store(place.words, place.at + LENGTH_WORD, values.length);
    storeCount(place, bytes);
    agent.namespace.makeData(place, bytes, { content: data });
  };
  const check = ({ cell, name }: Opened): void => {
    const length = load(cell.words, cell.at + LENGTH_WORD);
    if (length === values.length) return;
    throw new InvalidTypeError(
      `ShareableList ${JSON.stringify(name)}: refused, the one of that name has ${length} items, not ${values.length}; open it by { name }`,
    );
  };
  return obtainChecked(SHAREABLE_LIST_KIND, options, { make, check });
}

function same(item: ListValue, value: ListValue): boolean {
  if (item instanceof Uint8Array && value instanceof Uint8Array) return Buffer.compare(item, value) === 0;
  return item === value;
}

export const SHAREABLE_LIST_KIND: Kind = defineKind({
  number: 15,
  name: 'ShareableList',
  data: true,
  open: ShareableList.open,
});
