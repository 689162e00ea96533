/**
 * RecordArray: records of a struct in shared memory, one after the other, with a lock for all. Its
 * words are in record-object.ts.
 */

import { inspect } from 'node:util';
import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import type { Guarded } from '../sync/lock/guard.ts';
import { NEEDS_GUARD } from '../sync/lock/guard.ts';
import { checkedLength } from './array-object.ts';
import { describeArray, loadCount } from './data-facts.ts';
import { checkWithin } from './data-object.ts';
import { storesOf, valuesIn } from './field-store.ts';
import { describeLock } from './guarding.ts';
import { RecordMemory } from './record-memory.ts';
import type { RecordOptions } from './record-object.ts';
import { obtainRecords, openRecords, RecordObject } from './record-object.ts';
import type { PlainRecord, RecordInput, Records, RecordView, Schema } from './record-types.ts';
import { RecordRow } from './record-view.ts';
import type { Layout } from './schema.ts';

/** Records that `describe` and `toString` show. */
const FIRST = 4;

/** The state of an array of records, as `describe()` returns it. */
export interface RecordArrayDescription extends Description {
  length: number;
  /** The first records, at most 4. */
  first: Record<string, unknown>[];
  lock: Description | null;
}

/**
 * A fixed number of records that processes and threads share, with one lock for all. To make one,
 * call `array` of a class that `struct` made. *If a process dies*, no number is half written, but a
 * record may be; a lock that it held is freed.
 *
 * @example
 * const Point = struct({ x: 'f64', y: 'f64' });
 * const points = Point.array(1000);
 * points.at(-1).x = 0.5;
 * points.set(0, { x: 1, y: 2 });
 */
export class RecordArray<Fields extends Schema = Schema>
  extends RecordObject
  implements Iterable<RecordView<Fields>>
{
  /** @internal */
  constructor(layout: Layout, made: Guarded) {
    super(RECORD_ARRAY_KIND, layout, made);
  }

  /**
   * Opens the array that the handle stands for, with its lock, whatever its struct. Throws
   * `HandleError`, `StaleHandleError`.
   */
  static open<Fields extends Schema = Schema>(handle: string): RecordArray<Fields> {
    return openArray(handle, undefined);
  }

  /** The number of records. It never changes. */
  get length(): number {
    return this.opened.length;
  }

  /**
   * The record itself, not a copy; negative indexes count from the end. Throws `OutOfRangeError` if
   * there is none.
   */
  at(index: number): RecordView<Fields> {
    return this.opened.at(index);
  }

  /** Stores the given fields in a record. If one value does not fit, nothing is stored. */
  set(index: number, values: RecordInput<Fields>): void {
    this.opened.set(index, values);
  }

  [Symbol.iterator](): IterableIterator<RecordView<Fields>> {
    return this.opened[Symbol.iterator]();
  }

  /** A copy as plain values, which does not change with the original. */
  toArray(): PlainRecord<Fields>[] {
    return this.opened.toArray();
  }

  override describe(): RecordArrayDescription {
    return SharedObject.describe(this, () => {
      const { name, handle, cell } = this;
      const { state } = describeArray(cell.agent.namespace, cell);
      const lock = describeLock(this);
      return {
        kind: RECORD_ARRAY_KIND.name,
        name: name ?? null,
        handle,
        ...state,
        first: this.first(),
        lock,
      };
    });
  }

  protected override summary(): string {
    const shown = this.first().map((record) => inspect(record, { breakLength: Number.POSITIVE_INFINITY }));
    if (this.length > FIRST) shown.push(`… ${this.length - FIRST} more`);
    return `${this.length} × [ ${shown.join(', ')} ]`;
  }

  private get opened(): Records<Fields> {
    const spot = RecordObject.spotOf(this);
    const layout = RecordObject.layoutOf(this);
    const count = loadCount(this.cell);
    checkWithin(this.cell, count * layout.size, spot.memory.buffer);
    return new RecordRow(layout, spot, count);
  }

  private first(): Record<string, unknown>[] {
    return Array.from({ length: Math.min(this.length, FIRST) }, (_, index) => this.at(index).toObject());
  }
}

/** Finds or makes an array of so many records, or of these. */
export function makeArray<Fields extends Schema>(
  layout: Layout,
  source: unknown,
  options: RecordOptions | undefined,
): RecordArray<Fields> {
  if (typeof source === 'number') {
    const length = checkedLength(RECORD_ARRAY_KIND.name, source);
    return new RecordArray(layout, obtainRecords(RECORD_ARRAY_KIND, layout, length, undefined, options));
  }
  const stores = storesOf(RECORD_ARRAY_KIND.name, layout, valuesIn(RECORD_ARRAY_KIND.name, source));
  const memory = new RecordMemory(new ArrayBuffer(stores.length * layout.size));
  for (const [index, store] of stores.entries()) store(memory, index * layout.size);
  const content = new Uint8Array(memory.buffer);
  return new RecordArray(layout, obtainRecords(RECORD_ARRAY_KIND, layout, stores.length, content, options));
}

/**
 * Opens an array by its handle; `layout` is what it has to have, by default what the handle says.
 */
export function openArray<Fields extends Schema>(
  handle: string,
  layout: Layout | undefined,
): RecordArray<Fields> {
  const { opened, layout: found } = openRecords(RECORD_ARRAY_KIND, handle, layout);
  return new RecordArray(found, { opened, lock: undefined });
}

export const RECORD_ARRAY_KIND: Kind = defineKind({
  number: 21,
  name: 'RecordArray',
  data: true,
  needs: NEEDS_GUARD,
  open: RecordArray.open,
});
