/**
 * SharedObject: what all objects in shared memory have in common: made or opened, named, passed on by a handle, closed.
 *
 * Several objects of one agent can stand for the same cell (opened twice, say). The agent closes its end when the last of them is
 * closed or garbage-collected.
 */

import { inspect } from 'node:util';
import type { Cell, ObjectType } from '../agents/cell.ts';
import { ClosedError } from '../errors.ts';
import { dropForgetting, letGo, letGoWhenForgotten } from './forgotten.ts';
import { formatHandle, handleFields } from './handles.ts';
import type { Opened } from './opened.ts';

/** What `describe()` tells of every object. */
export interface Description {
  /** The class's name. */
  kind: string;
  name: string | null;
  handle: string;
  [detail: string]: unknown;
}

export abstract class SharedObject {
  /** @internal Where the object is; nowhere any more once it is closed. */
  cell: Cell;
  // Really private: a record has fields of any name beside them.
  readonly #type: ObjectType;
  readonly #name: string | undefined;
  #open = true;

  protected constructor(type: ObjectType, { cell, name }: Opened) {
    this.#type = type;
    this.#name = name;
    this.cell = cell;
    cell.references++;
    letGoWhenForgotten(this, { cell, name });
  }

  /** The name by which unrelated programs find the object, if it has one. */
  get name(): string | undefined {
    return this.#name;
  }

  /** A string that stands for the object: `open(handle)` gives it back in any process and thread of this user. */
  get handle(): string {
    this.checkOpen();
    const fields = handleFields(this.cell, this.#name);
    this.extendHandle(fields);
    return formatHandle(this.#type.name, fields);
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.detached;
  }

  /** Whether this object's use in this thread has ended. */
  protected get detached(): boolean {
    return !this.#open || this.cell.closed;
  }

  /**
   * Ends this object's use in this thread; what it held is freed as if the thread had died. Idempotent. Calls that still
   * wait through it reject with `ClosedError`. The shared object itself lives on while anybody else has it open.
   */
  close(): void {
    if (!this.#open) return;
    this.cell.rejectAll(this, SharedObject.titleOf(this));
    this.#open = false;
    dropForgetting(this);
    const { cell } = this;
    this.cell = cell.closedTwin();
    letGo(cell, this.#name);
  }

  /** What the object is and how it stands, as a plain object. */
  abstract describe(): Description;

  [Symbol.dispose](): void {
    this.close();
  }

  /** Class, name and state: `<Lock "invoices" held by Process-2 (pid 4121), 3 waiting>`. */
  toString(): string {
    if (this.detached) return `<${SharedObject.titleOf(this)} closed>`;
    const detail = this.summary();
    return `<${SharedObject.titleOf(this)}${detail === '' ? '' : ` ${detail}`}>`;
  }

  /** What `JSON.stringify` writes of it, in a log say: what `describe()` tells, and of a closed object which it was. */
  toJSON(): object {
    if (this.detached) return { kind: this.#type.name, name: this.#name ?? null, closed: true };
    return this.describe();
  }

  /** One line on how the object stands, for `util.inspect`. */
  protected abstract summary(): string;

  /** Class and name, as messages begin: `Lock "invoices"`. */
  protected get title(): string {
    return SharedObject.titleOf(this);
  }

  /** @internal The same where a record's field may hide `title`. */
  static titleOf(object: SharedObject): string {
    const { name } = object.#type;
    return object.#name === undefined ? name : `${name} ${JSON.stringify(object.#name)}`;
  }

  /** Throws `ClosedError` once the object is closed. */
  protected checkOpen(): void {
    if (this.detached) throw this.closedError();
  }

  protected closedError(): ClosedError {
    return new ClosedError(
      `${SharedObject.titleOf(this)}: refused, it was closed in this thread; open it again by its handle or name`,
    );
  }

  /** @internal The object's name, also where a record's field hides it. */
  static nameOf(object: SharedObject): string | undefined {
    return object.#name;
  }

  protected extendHandle(_fields: URLSearchParams): void {}
}

// A class member with this computed name could not be declared under isolatedDeclarations.
Object.defineProperty(SharedObject.prototype, inspect.custom, {
  value(this: SharedObject): string {
    return this.toString();
  },
});
