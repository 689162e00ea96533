/** struct: makes a class of shared records from a schema. Their words are in record-object.ts. */

import { inspect } from 'node:util';
import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import type { UntimedWaitOptions } from '../contracts.ts';
import type { WaitOptions } from '../deadline.ts';
import { Opened } from '../objects/opened.ts';
import { noteOwn } from '../objects/own-classes.ts';
import type { Description } from '../objects/shared-object.ts';
import { forJson, SharedObject } from '../objects/shared-object.ts';
import type { Guard, Guarded } from '../sync/lock/guard.ts';
import { NEEDS_GUARD } from '../sync/lock/guard.ts';
import { assignFields, storeOfAll } from './field-store.ts';
import { describeLock } from './guarding.ts';
import type { RecordArray } from './record-array.ts';
import { makeArray, openArray } from './record-array.ts';
import { RecordMemory } from './record-memory.ts';
import type { RecordOptions } from './record-object.ts';
import { isReserved, obtainRecords, openRecords, RecordObject } from './record-object.ts';
import type { PlainRecord, RecordFields, RecordInput, Schema, StructLike } from './record-types.ts';
import { copyFields, defineFields } from './record-view.ts';
import type { Layout } from './schema.ts';
import { layoutOf, schemaOfText } from './schema.ts';

/** The state of a record, as `describe()` returns it. */
export interface RecordDescription extends Description {
  fields: Record<string, unknown>;
  lock: Description | null;
}

/** The members of a record besides its fields. */
export interface RecordMembers<Fields extends Schema> extends Disposable {
  /**
   * The name by which unrelated programs find the record; hidden by a field of that name,
   * `describe().name` is it too.
   */
  readonly name: string | undefined;
  /**
   * A string that stands for the record. `open(handle)` opens the record in any process or thread
   * of the same user.
   */
  readonly handle: string;
  /** Whether `close()` was called. */
  readonly closed: boolean;
  /** The lock. Throws `InvalidTypeError` for a record that was made with `lock: false`. */
  readonly lock: Guard;
  /** The same as `lock`, under its name in Python. */
  getLock(): Guard;
  /** Runs `fn` inside the lock. */
  run<Result>(fn: () => Result | Promise<Result>, options?: UntimedWaitOptions): Promise<Result>;
  run<Result>(fn: () => Result | Promise<Result>, options: WaitOptions): Promise<Result | null>;
  /** Runs `fn` inside the lock. *Blocks*; `fn` must not return a promise. */
  runSync<Result>(fn: () => Result, options?: UntimedWaitOptions): Result;
  runSync<Result>(fn: () => Result, options: WaitOptions): Result | null;
  /** Stores the given fields. If one value does not fit, nothing is stored. */
  assign(values: RecordInput<Fields>): void;
  /** A copy as plain values, which does not change with the original. */
  toObject(): PlainRecord<Fields>;
  /**
   * Closes the object in this thread. Idempotent. Views of nested fields that you still have can be
   * used.
   */
  close(): void;
  describe(): RecordDescription;
  toString(): string;
}

/** A record in shared memory: its fields, and the members of every shared object. */
export type SharedRecord<Fields extends Schema> = RecordFields<Fields> &
  Omit<RecordMembers<Fields>, keyof Fields>;

/** A class of shared records. */
export interface StructClass<Fields extends Schema> extends StructLike<Fields> {
  /**
   * Fields that are not given are zero. Throws `InvalidTypeError`, `OutOfRangeError`, naming the
   * field, and `NoSpaceError`.
   */
  new (values?: RecordInput<Fields>, options?: RecordOptions): SharedRecord<Fields>;
  /** Bytes of a record. */
  readonly size: number;
  /**
   * Opens the record that the handle stands for. Throws `HandleError` for one of another struct,
   * `StaleHandleError`.
   */
  open(handle: string): SharedRecord<Fields>;
  /** A shared array of that many records, or of the given ones. */
  array(lengthOrValues: number | Iterable<RecordInput<Fields>>, options?: RecordOptions): RecordArray<Fields>;
  /**
   * Opens the array that the handle stands for. Throws `HandleError` for one of another struct,
   * `StaleHandleError`.
   */
  openArray(handle: string): RecordArray<Fields>;
}

/**
 * The class for records of a schema that come from elsewhere: the one that was made last in this
 * thread.
 */
const known = new Map<string, new (opened: Opened) => StructRecord>();

class StructRecord extends RecordObject {
  constructor(layout: Layout, made: Guarded) {
    super(RECORD_KIND, layout, made);
  }

  assign(values: unknown): void {
    assignFields(RecordObject.spotOf(this), RecordObject.layoutOf(this), values);
  }

  toObject(): Record<string, unknown> {
    return copyFields(RecordObject.spotOf(this), RecordObject.layoutOf(this));
  }

  override toJSON(): object {
    return this.closed ? super.toJSON() : (forJson(this.toObject()) as object);
  }

  override describe(): RecordDescription {
    return SharedObject.describe(this, () => {
      const name = SharedObject.nameOf(this) ?? null;
      const lock = describeLock(this);
      return { kind: RECORD_KIND.name, name, handle: this.handle, fields: this.toObject(), lock };
    });
  }

  override toString(): string {
    return SharedObject.show(this, () => inspect(this.toObject(), { breakLength: Number.POSITIVE_INFINITY }));
  }

  protected override summary(): string {
    return '';
  }
}

/**
 * Makes a class of shared records.
 *
 * A field is a number (`'f64'`, or any other type of Value), a row of numbers (`'u8[4]'`), text in
 * UTF-8 (`'char[16]'`), another struct, or a row of records (`[Point, 3]`). The layout in memory is
 * that of a C struct. Setting a value that does not fit throws, with the name of the field, and
 * changes nothing. Each number is read and written atomically. For a record as a whole, use its
 * lock. Throws `InvalidTypeError` or `OutOfRangeError` if the schema is not valid.
 *
 * Each record takes at least 4 KB; for many records, make one array. *If a process dies*, no number
 * is half written, but a record may be; a lock that it held is freed.
 *
 * @example
 * const Point = struct({ x: 'f64', y: 'f64', name: 'char[16]' });
 * const point = new Point({ x: 1, name: 'origin' });
 * point.runSync(() => { point.x += 1; });
 * const points = Point.array(100);
 * points.at(0).y = 2;
 */
export function struct<const Fields extends Schema>(schema: Fields): StructClass<Fields> {
  const layout = layoutOf(schema, isReserved);
  class Struct extends StructRecord {
    static readonly schema: Fields = schema;
    static readonly size: number = layout.size;

    constructor(source?: unknown, options?: RecordOptions) {
      const opened = source instanceof Opened ? { opened: source, lock: undefined } : undefined;
      super(layout, opened ?? obtainRecord(layout, source, options));
    }

    static open(this: typeof Struct | undefined, handle: string): StructRecord {
      // A subclass opens its own instances; the plain function opens those of the struct.
      // biome-ignore lint/complexity/noThisInStatic: the class it was called on
      const Class = this ?? Struct;
      return new Class(openRecords(RECORD_KIND, handle, layout).opened);
    }

    static array(source: unknown, options?: RecordOptions): RecordArray<Fields> {
      return makeArray(layout, source, options);
    }

    static openArray(handle: string): RecordArray<Fields> {
      return openArray(handle, layout);
    }
  }
  noteOwn(Struct.open);
  defineFields<StructRecord>(Struct.prototype, layout, RecordObject.spotOf);
  known.set(layout.text, Struct);
  return Struct as unknown as StructClass<Fields>;
}

function obtainRecord(layout: Layout, values: unknown, options: RecordOptions | undefined): Guarded {
  const store = storeOfAll(RECORD_KIND.name, layout, values ?? {});
  const memory = new RecordMemory(new ArrayBuffer(layout.size));
  store(memory, 0);
  return obtainRecords(RECORD_KIND, layout, 1, new Uint8Array(memory.buffer), options);
}

/** Opens a record of the struct that the handle names. */
function openRecord(handle: string): StructRecord {
  const { layout, opened } = openRecords(RECORD_KIND, handle, undefined);
  if (!known.has(layout.text)) struct(schemaOfText(layout.text));
  return new (known.get(layout.text)!)(opened);
}

export const RECORD_KIND: Kind = defineKind({
  number: 20,
  name: 'Record',
  data: true,
  needs: NEEDS_GUARD,
  open: openRecord,
});
