/**
 * SharedMemory: a block of bytes that programs find by its name.
 *
 *   word   name   bits                                  written by
 *   +4 +5  COUNT  bytes: low 32 bits, high 21 bits      the creator
 *
 * A block that was given a name is pinned (`PIN_BIT` of layout.ts): it lives until `unlink()`, or
 * as long as anybody is in its namespace. The pin is set when the name leads to the block and
 * removed before the name is, both under the lock of the names. So an agent that dies in between
 * leaves a block that ends with its last user, and never one that no program can find.
 *
 * Race: A unlinks while B attaches by the name.
 *   Both hold the lock of the names while they do it. If B is first its open bit keeps the block
 *   when A takes the pin away; if A is first, B finds no name.
 */

import { inspect } from 'node:util';
import type { Cell, Host } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import { InvalidTypeError, NotFoundError, OutOfRangeError } from '../errors.ts';
import type { Place } from '../memory/place.ts';
import { unlinkName } from '../namespaces/names.ts';
import { checked } from '../objects/content.ts';
import { openHandle } from '../objects/handles.ts';
import { obtainExisting, obtainNew } from '../objects/obtain.ts';
import { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { checkKnown } from '../options.ts';
import { uniqueName } from '../platform/unique.ts';
import { describeBlock, loadCount } from './data-facts.ts';
import { DataObject, storeCount } from './data-object.ts';

export interface SharedMemoryOptions {
  /** The block's name; a new block without one gets a name. */
  name?: string | undefined;
  /** The namespace in which the name is looked up; default `"default"`. */
  namespace?: string | undefined;
  /**
   * With `true`, makes a new block, and throws if the name is in use. With `false`, attaches the
   * block of that name. By default, attaches the block if it exists; otherwise makes it, if a
   * `size` is given.
   */
  create?: boolean | undefined;
  /** The size in bytes, at least 1. An existing block must have the same size. */
  size?: number | undefined;
}

/** The state of a block of shared memory, as `describe()` returns it. */
export interface SharedMemoryDescription extends Description {
  size: number;
}

/**
 * A block of bytes that every program of the same user can attach by its name. All bytes are zero
 * at first.
 *
 * A block that you name lives until `unlink()`, or until no program uses its namespace, even if the
 * program that made it has ended. A block that you do not name gets a name, and lives as long as
 * any thread has it open. *If a process dies* while it writes, the bytes may be half written; there
 * is no lock.
 *
 * Throws `NameTakenError` if the name is in use and `create` is `true`. Throws `NotFoundError` if
 * there is no block of that name and no `size` is given, and `NoSpaceError` if the shared memory is
 * full. Throws `OutOfRangeError` or `InvalidTypeError` if the size is not valid, or not that of the
 * block.
 *
 * @example
 * using block = new SharedMemory({ create: true, size: 1024 });
 * new Uint8Array(block.buffer).set([1, 2, 3]);
 * using same = new SharedMemory({ name: block.name });
 * console.log(new Uint8Array(same.buffer)[2]);      // 3
 */
export class SharedMemory extends DataObject<ArrayBuffer> {
  /**
   * Whether the name was generated here, and the block was not yet unlinked through this object.
   */
  private ownName: boolean;

  constructor(options: SharedMemoryOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: SharedMemoryOptions | Opened) {
    super(
      SHARED_MEMORY_KIND,
      source instanceof Opened ? source : obtainBlock(source),
      loadCount,
      (buffer) => buffer,
    );
    this.ownName = !(source instanceof Opened) && source.name === undefined;
  }

  /** Opens the block that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): SharedMemory {
    return new SharedMemory(openHandle(SHARED_MEMORY_KIND, handle));
  }

  /** The name to attach the block by. */
  override get name(): string {
    return super.name ?? '';
  }

  /**
   * The shared bytes. They can still be read after `close()`, as long as your code refers to them.
   */
  get buffer(): ArrayBuffer {
    DataObject.lend(this);
    return DataObject.dataOf(this);
  }

  /** The size in bytes. */
  get size(): number {
    return DataObject.dataOf(this).byteLength;
  }

  /**
   * Removes the name, so that no other program can attach the block. The memory is freed when the
   * last thread that has the block open closes it. May be called after `close()`. Throws
   * `NotFoundError` if the name was removed before.
   */
  unlink(): void {
    const { agent, number, generation } = this.cell;
    const found = unlinkName(agent.namespace, this.name, { cell: number, generation }, agent.slot);
    if (!found && !this.ownName) {
      throw new NotFoundError(
        `${this.title}: can't be unlinked, the name no longer stands for it in ${agent.folder}; unlink it once`,
      );
    }
    this.ownName = false;
  }

  override describe(): SharedMemoryDescription {
    return SharedObject.describe(this, () => {
      const { name, handle, cell } = this;
      return {
        kind: SHARED_MEMORY_KIND.name,
        name,
        handle,
        ...describeBlock(cell.agent.namespace, cell).state,
      };
    });
  }

  protected override summary(): string {
    return `${this.size} bytes`;
  }
}

function obtainBlock(options: SharedMemoryOptions): Opened {
  if (options === null || typeof options !== 'object') {
    throw new InvalidTypeError(
      `SharedMemory: refused, its options are ${inspect(options)}; pass { name, size } to make or attach the block, or { name } to attach it`,
    );
  }
  checkKnown(SHARED_MEMORY_KIND.name, options, SHARED_MEMORY_KIND.name);
  const { name, namespace, create, size } = options;
  if (create !== undefined && typeof create !== 'boolean') {
    throw new InvalidTypeError(
      `SharedMemory: refused, create is ${inspect(create)}; pass true, false or nothing`,
    );
  }
  if (create !== true && name === undefined) {
    throw new InvalidTypeError(
      'SharedMemory: refused, it has no name to attach by; pass { name }, or { create: true, size } for a new block',
    );
  }
  const bytes = size === undefined && create !== true ? undefined : checkedSize(size);
  if (name !== undefined && (create === false || bytes === undefined)) {
    return ofSize(obtainExisting(SHARED_MEMORY_KIND, name, namespace), bytes);
  }
  const make = (place: Place, agent: Host): void => {
    storeCount(place, bytes!);
    agent.namespace.makeData(place, bytes!);
  };
  const pin = (cell: Cell): void => {
    if (name !== undefined) cell.agent.namespace.arena.pin(cell);
  };
  const opens = create === undefined;
  return ofSize(
    obtainNew(SHARED_MEMORY_KIND, name ?? `memory-${uniqueName()}`, namespace, make, pin, opens),
    bytes,
  );
}

/** The block, if it has so many bytes. */
function ofSize(opened: Opened, bytes: number | undefined): Opened {
  checked(opened, ({ cell, name }) => {
    const there = loadCount(cell);
    if (bytes === undefined || there === bytes) return;
    throw new InvalidTypeError(
      `SharedMemory ${JSON.stringify(name)}: refused, the one of that name has ${there} bytes, not ${bytes}; attach it by { name } alone`,
    );
  });
  return opened;
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

export const SHARED_MEMORY_KIND: Kind = defineKind({
  number: 14,
  name: 'SharedMemory',
  data: true,
  open: SharedMemory.open,
});
