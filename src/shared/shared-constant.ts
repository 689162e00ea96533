/**
 * Shared: a value that never changes, once in shared memory, read once by each thread that uses it.
 *
 *   word   name    bits                                           written by
 *   +4 +5  COUNT   bytes of data: low 32 bits, high 21 bits       the creator
 *
 * The object's file of data has a parcel (codec/parcel.ts) as `v8.serialize` writes it. It is
 * written before the cell is published, and never again. A reader maps the file for that moment,
 * and keeps the value.
 */

import type { Host } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import type { Parcel } from '../codec/parcel.ts';
import { packWhole, unpack } from '../codec/parcel.ts';
import { readClone } from '../codec/read-clone.ts';
import { v8 } from '../codec/v8.ts';
import type { ObjectOptions } from '../contracts.ts';
import { NotSendableError } from '../errors.ts';
import type { Place } from '../memory/place.ts';
import { detachData } from '../namespaces/data-files.ts';
import { openHandle } from '../objects/handles.ts';
import { obtain } from '../objects/obtain.ts';
import { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { describeShared, loadCount } from './data-facts.ts';
import { storeCount } from './data-object.ts';

/** Values that a thread keeps: those that it has used last. */
const MOST_KEPT = 8;

/** The state of a constant, as `describe()` returns it. */
export interface SharedDescription extends Description {
  /** Size of the value in shared memory. */
  bytes: number;
}

/**
 * A large constant that many tasks or processes read: a configuration, a table, an index. It is
 * written into shared memory once. Passed as an argument, it takes only a few bytes. Each process
 * and thread decodes it once, when it first reads `value`.
 *
 * The value can be anything that structured clone copies, but must not contain shared objects: pass
 * those as further arguments. Objects and arrays in it are frozen. A thread keeps the eight decoded
 * values that it used last; it decodes others again. *If a process dies*, nothing is lost, because
 * the value never changes.
 *
 * @example
 * const rules = new Shared(await loadRules());
 * const found = await pool.map(check, files.map((file) => ({ file, rules })));  // rules.value
 */
export class Shared<Value = unknown> extends SharedObject {
  /**
   * Throws `NotSendableError`, `NoSpaceError`. If an object of that name exists, it is opened, and
   * `value` is ignored.
   */
  constructor(value: Value, options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: Value | Opened, options?: ObjectOptions) {
    super(SHARED_KIND, source instanceof Opened ? source : obtainShared(source, options));
  }

  /** Opens the constant that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open<Value = unknown>(handle: string): Shared<Value> {
    return new Shared<Value>(openHandle(SHARED_KIND, handle));
  }

  /** The decoded value, frozen; the same object each time. Throws `ClosedError`. */
  get value(): Value {
    this.checkOpen();
    const { cell } = this;
    const key = `${cell.agent.folder}\n${cell.number}.${cell.generation}`;
    const kept = values.get(key);
    const value = kept === undefined ? readValue(this.cell) : kept.value;
    // The last in the map is the one that was used last.
    values.delete(key);
    values.set(key, { value });
    if (values.size > MOST_KEPT) values.delete(values.keys().next().value!);
    return value as Value;
  }

  override describe(): SharedDescription {
    return SharedObject.describe(this, () => {
      const { name, handle, cell } = this;
      const { state } = describeShared(cell.agent.namespace, cell);
      return { kind: SHARED_KIND.name, name: name ?? null, handle, ...state };
    });
  }

  protected override summary(): string {
    return `${loadCount(this.cell)} bytes`;
  }
}

const values = new Map<string, { readonly value: unknown }>();

function obtainShared(value: unknown, options: ObjectOptions | undefined): Opened {
  return obtain(SHARED_KIND, options, (place: Place, agent: Host): void => {
    const bytes = bytesOf(value);
    storeCount(place, bytes.length);
    agent.namespace.makeData(place, bytes.length, { content: bytes });
  });
}

function bytesOf(value: unknown): Uint8Array {
  const title = `${SHARED_KIND.name}:`;
  const { parcel, shared } = packWhole(value, 'process', title, 'value');
  if (shared.length > 0) {
    throw new NotSendableError(
      `${title} refused, its value has a shared object in it (${String(shared[0])}), which lives by itself; send that beside it`,
    );
  }
  return v8().serialize(parcel);
}

function readValue(cell: SharedObject['cell']): unknown {
  const bytes = loadCount(cell);
  const { buffer } = cell.agent.namespace.mapData(cell, bytes);
  try {
    return frozen(unpack(readClone(new Uint8Array(buffer, 0, bytes)) as Parcel));
  } finally {
    detachData(buffer, false);
  }
}

/** Freezes objects and arrays. Others, as a Map or a typed array, can't be. */
function frozen(root: unknown): unknown {
  const open: unknown[] = [root];
  for (let next = open.pop(); open.length > 0 || next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null || ArrayBuffer.isView(next) || Object.isFrozen(next))
      continue;
    Object.freeze(next);
    for (const value of Object.values(next))
      if (typeof value === 'object' && value !== null) open.push(value);
  }
  return root;
}

export const SHARED_KIND: Kind = defineKind({ number: 25, name: 'Shared', data: true, open: Shared.open });
