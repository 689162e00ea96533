/**
 * SharedMemory: a block of bytes that programs find by its name.
 *
 *   word   name   bits                                  written by
 *   +4 +5  COUNT  bytes: low 32 bits, high 21 bits      the creator
 *
 * A block that was given a name is pinned (`PIN_BIT` of layout.ts): it lives until `unlink()`, or as long as anybody is in its
 * namespace. The pin is set when the name leads to the block and removed before the name is, both under the lock of the names. So
 * whoever dies in between leaves a block that goes with the last who has it open, and never one that nobody can find.
 *
 * Race: A unlinks while B attaches by the name.
 *   Both hold the lock of the names while they do it. If B is first its open bit keeps the block when A takes the pin away; if A is
 *   first, B finds no name.
 */

import { inspect } from 'node:util';
import type { Agent } from '../agents/agent.ts';
import type { ObjectType } from '../agents/cell.ts';
import { registerKind } from '../agents/kinds.ts';
import { InvalidTypeError, NotFoundError, OutOfRangeError } from '../errors.ts';
import type { Place } from '../memory/arena.ts';
import { KIND } from '../memory/layout.ts';
import { unlinkName } from '../namespaces/names.ts';
import { openHandle, registerClass } from '../objects/handles.ts';
import { obtainExisting, obtainNew } from '../objects/obtain.ts';
import { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import { uniqueName } from '../platform/unique.ts';
import { DataObject, loadCount, storeCount } from './data-object.ts';

const TYPE: ObjectType = { kind: KIND.SHARED_MEMORY, name: 'SharedMemory', serial: false, lasting: false };

export interface SharedMemoryOptions {
  /** The block's name; a new block without one is given one. */
  name?: string | undefined;
  /** Where the name is looked up; default `"default"`. */
  namespace?: string | undefined;
  /** Makes a new block; otherwise the one of the name is attached. */
  create?: boolean | undefined;
  /** Bytes of a new block, from 1 on. */
  size?: number | undefined;
}

/** How a block of shared memory stands. */
export interface SharedMemoryDescription extends Description {
  size: number;
}

/**
 * A block of bytes, zero at first, that every program of the user can attach by its name.
 *
 * A named block lives until `unlink()`, or until nobody is in its namespace any more: the exit of who made it or attached it does not
 * destroy it while others are there. One without a name is given one, and lives as long as somebody has it open.
 * Throws `NameTakenError` if a new block's name is in use, `NotFoundError` if there is none of that name, `NoSpaceError` if there is no
 * room for it, `OutOfRangeError` and `InvalidTypeError` for a size that is none.
 *
 * @example
 * using block = new SharedMemory({ create: true, size: 1024 });
 * new Uint8Array(block.buffer).set([1, 2, 3]);
 * using same = new SharedMemory({ name: block.name });
 * console.log(new Uint8Array(same.buffer)[2]);      // 3
 */
export class SharedMemory extends DataObject<ArrayBuffer> {
  /** Whether the name was made up here, and nobody unlinked the block through this object yet. */
  private ownName: boolean;

  constructor(options: SharedMemoryOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: SharedMemoryOptions | Opened) {
    super(TYPE, source instanceof Opened ? source : obtainBlock(source), loadCount, (buffer) => buffer);
    this.ownName = !(source instanceof Opened) && source.name === undefined;
  }

  /** Opens the block that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): SharedMemory {
    return new SharedMemory(openHandle(TYPE, handle));
  }

  /** The name to attach the block by. */
  override get name(): string {
    return super.name ?? '';
  }

  /** The shared bytes, as many as were asked for. They stay valid memory after `close()` where somebody still refers to them. */
  get buffer(): ArrayBuffer {
    DataObject.lend(this);
    return DataObject.dataOf(this);
  }

  /** Bytes in the block. */
  get size(): number {
    return DataObject.dataOf(this).byteLength;
  }

  /**
   * Takes the name away: nobody can attach the block by it any more, and it goes when the last who has it open closes it. May be
   * called after `close()`. Throws `NotFoundError` if that was done before.
   */
  unlink(): void {
    const { agent, number, generation } = this.cell;
    const found = unlinkName(agent.namespace, this.name, { cell: number, generation }, agent.slot);
    if (!found && !this.ownName) {
      throw new NotFoundError(
        `${this.title}: can't be unlinked, the name does not stand for it any more in ${agent.folder}; unlink it once`,
      );
    }
    this.ownName = false;
  }

  override describe(): SharedMemoryDescription {
    const { name, handle, size } = this;
    return { kind: TYPE.name, name, handle, size };
  }

  protected override summary(): string {
    return `${this.size} bytes`;
  }
}

function obtainBlock(options: SharedMemoryOptions): Opened {
  if (options === null || typeof options !== 'object') {
    throw new InvalidTypeError(
      `SharedMemory: refused, its options are ${inspect(options)}; pass { name } to attach, or { create: true, size }`,
    );
  }
  const { name, namespace, create = false, size } = options;
  if (typeof create !== 'boolean') {
    throw new InvalidTypeError(
      `SharedMemory: refused, create is ${inspect(create)}; pass true, false or nothing`,
    );
  }
  if (create) {
    const bytes = checkedSize(size);
    const make = (place: Place, agent: Agent): void => {
      storeCount(place, bytes);
      agent.namespace.makeData(place, bytes);
    };
    return obtainNew(TYPE, name ?? `memory-${uniqueName()}`, namespace, make, (cell) => {
      if (name !== undefined) cell.agent.namespace.arena.pin(cell);
    });
  }
  if (name !== undefined) return obtainExisting(TYPE, name, namespace);
  throw new InvalidTypeError(
    'SharedMemory: refused, it has no name to attach by; pass { name }, or { create: true, size } for a new block',
  );
}

function checkedSize(size: unknown): number {
  if (typeof size !== 'number') {
    throw new InvalidTypeError(
      `SharedMemory: refused, the size of the new block is ${inspect(size)}; pass { size } in bytes`,
    );
  }
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new OutOfRangeError(
    `SharedMemory: refused, the size of the new block is ${size}; pass a whole number of bytes from 1 on`,
  );
}

registerKind(KIND.SHARED_MEMORY, { name: TYPE.name });
registerClass(TYPE.name, SharedMemory.open);
