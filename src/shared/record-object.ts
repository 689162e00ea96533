/**
 * RecordObject: the common part of a record and an array of records: data, schema, lock.
 *
 *   word   name             bits                                       written by
 *   +0     SCHEMA           hash of the schema's text                  the creator
 *   +1     RECORD_BYTES     of one record                              the creator
 *   +2     LOCK             cell; 0 none                               the creator
 *   +3     LOCK_GENERATION                                             the creator
 *   +4 +5  COUNT            records: low 32 bits, high 21 bits         the creator
 *
 * The records lie one after the other in the object's file of data. The schema itself travels in
 * handles; a program that opens the object by a name has it. One that does not go with the cell is
 * refused.
 */

import { load, store } from '#atomics';
import type { Cell, Host } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { HandleError, InvalidTypeError } from '../errors.ts';
import { CELL_BODY } from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import { abandon } from '../objects/forgotten.ts';
import { openHandle } from '../objects/handles.ts';
import type { Opened } from '../objects/opened.ts';
import { SharedObject } from '../objects/shared-object.ts';
import type { Guard, Guarded } from '../sync/lock/guard.ts';
import { loadCount } from './data-facts.ts';
import { DataObject, storeCount } from './data-object.ts';
import type { GuardedData, GuardedOptions } from './guarding.ts';
import { obtainGuarded, withLock } from './guarding.ts';
import type { RecordSpot } from './record-memory.ts';
import { RecordMemory } from './record-memory.ts';
import type { Layout } from './schema.ts';
import { hashOf, layoutOf, schemaOfText } from './schema.ts';

const SCHEMA_WORD: number = CELL_BODY;
const RECORD_BYTES_WORD: number = CELL_BODY + 1;

export interface RecordOptions extends GuardedOptions {}

/**
 * Names of members that only messages use, or that a record does without: there may be fields of
 * these names.
 */
const FREE_NAMES = new Set(['name', 'title', 'summary']);

const GuardedRecords: abstract new (
  lock: Guard | undefined,
  ...rest: ConstructorParameters<typeof DataObject<RecordMemory>>
) => DataObject<RecordMemory> & GuardedData = withLock(DataObject<RecordMemory>) as never;

export abstract class RecordObject extends GuardedRecords {
  // Really private: a record has fields of any name beside it.
  readonly #layout: Layout;

  protected constructor(type: Kind, layout: Layout, { opened, lock }: Guarded) {
    const bytes = (cell: Cell): number => {
      if (fitsCell(layout, cell)) return loadCount(cell) * layout.size || 1;
      throw new HandleError(
        `${type.name}: can't open the handle, its schema ${layout.text} is not that of the object; pass another object's .handle`,
      );
    };
    super(lock, type, opened, bytes, (buffer) => new RecordMemory(buffer), true);
    this.#layout = layout;
  }

  protected override extendHandle(fields: URLSearchParams): void {
    fields.set('schema', this.#layout.text);
  }

  /** @internal Where the first record lies. Throws `ClosedError`. */
  static spotOf(object: RecordObject): RecordSpot {
    return { memory: DataObject.dataOf(object), at: 0, title: SharedObject.titleOf(object) };
  }

  /** @internal */
  static layoutOf(object: RecordObject): Layout {
    return object.#layout;
  }
}

/** Whether a field can't have the name. */
export function isReserved(name: string): boolean {
  // The members of a single record have these names and two more.
  const taken = name in RecordObject.prototype || ['cell', 'assign', 'toObject'].includes(name);
  return taken && !FREE_NAMES.has(name);
}

/** Finds or makes the object. `content` is what its records begin with. */
export function obtainRecords(
  type: Kind,
  layout: Layout,
  count: number,
  content: Uint8Array | undefined,
  options: RecordOptions | undefined,
): Guarded {
  const make = (place: Place, agent: Host): void => {
    store(place.words, place.at + SCHEMA_WORD, hashOf(layout.text));
    store(place.words, place.at + RECORD_BYTES_WORD, layout.size);
    storeCount(place, count);
    agent.namespace.makeData(place, count * layout.size || 1, { content });
  };
  const check = ({ cell, name }: Opened): void => {
    const there = loadCount(cell);
    if (fitsCell(layout, cell) && there === count) return;
    const wanted = `${layout.text}${count === 1 ? '' : ` × ${count}`}`;
    throw new InvalidTypeError(
      `${type.name} ${JSON.stringify(name)}: refused, the one of that name has ${there} records of ${load(cell.words, cell.at + RECORD_BYTES_WORD)} bytes ` +
        `and another schema or length than ${wanted}; open it with its own`,
    );
  };
  return obtainGuarded(type, options, { make, check });
}

/** Opens the handle; `layout` is what its object has to have, by default what the handle says. */
export function openRecords(
  type: Kind,
  handle: string,
  layout: Layout | undefined,
): { layout: Layout; opened: Opened } {
  const opened = openHandle(type, handle, ['schema']);
  try {
    const text = opened.extra?.get('schema') ?? '';
    if (layout !== undefined && text !== layout.text) {
      throw new HandleError(
        `${type.name}: can't open the handle, it is of the struct ${text} and not of ${layout.text}; use that struct, or openShared(handle)`,
      );
    }
    return { layout: layout ?? layoutSaid(type, text), opened };
  } catch (error) {
    abandon(opened);
    throw error;
  }
}

function layoutSaid({ name }: Kind, text: string): Layout {
  try {
    return layoutOf(schemaOfText(text), isReserved);
  } catch (cause) {
    throw new HandleError(
      `${name}: can't open the handle, ${JSON.stringify(text.slice(0, 60))} is not a schema; pass another object's .handle`,
      { cause },
    );
  }
}

function fitsCell(layout: Layout, { words, at }: Cell): boolean {
  return (
    load(words, at + SCHEMA_WORD) === hashOf(layout.text) &&
    load(words, at + RECORD_BYTES_WORD) === layout.size
  );
}
