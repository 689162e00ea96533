/**
 * SharedObject: the common part of all objects in shared memory: they are made or opened, named,
 * passed on by a handle, closed.
 *
 * Several objects of one agent can stand for the same cell (opened twice, say). The agent closes
 * its end when the last of them is closed or garbage-collected.
 */

import type { Cell } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { ClosedError } from '../errors.ts';
import { reasonOf, showAs } from '../readable.ts';
import { endStrictly, refuseReadOnly } from '../strict.ts';
import { markCopy } from './copies.ts';
import { dropForgetting, letGo, letGoWhenForgotten } from './forgotten.ts';
import { formatHandle, handleFields } from './handle-text.ts';
import { endWatch, watchFirstUse } from './module-level.ts';
import type { Opened } from './opened.ts';
import { isOwn } from './own-classes.ts';

/** The members that `describe()` returns for every object. */
export interface Description {
  /** The name of its class in Lockstep, also of a class that the program has derived. */
  kind: string;
  name: string | null;
  handle: string;
  [detail: string]: unknown;
}

/** Whether what `describe` can't tell is an error: `show` has another place for it. */
let showing = false;

export abstract class SharedObject {
  /** @internal The place of the object; none once it is closed. */
  cell: Cell;
  // Really private: a record has fields of any name beside them.
  readonly #type: Kind;
  readonly #name: string | undefined;
  #open = true;

  protected constructor(type: Kind, opened: Opened) {
    const { cell, name } = opened;
    if (!prepared.has(new.target)) prepare(new.target);
    this.#type = type;
    this.#name = name;
    this.cell = cell;
    cell.references++;
    cell.name ??= name;
    letGoWhenForgotten(this, { cell, name });
    watchFirstUse(this, opened, type.name);
  }

  /** The name by which unrelated programs find the object, if it has one. */
  get name(): string | undefined {
    return this.#name;
  }

  /**
   * A string that stands for the object. `open(handle)` opens the object in any process or thread
   * of the same user.
   */
  get handle(): string {
    endWatch(this);
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
   * Closes the object in this thread, and frees what the thread held of it, as if the thread had
   * died. Idempotent. Calls of this thread that still wait reject with `ClosedError`. The shared
   * object itself exists as long as another thread has it open.
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

  /**
   * The object's kind, name and state, as a plain object. Never throws. For a closed object it has
   * `kind`, `name`, `handle` and `closed: true`. For an object that can't be read, for example
   * because its memory is damaged, it has `unreadable` with the reason.
   */
  abstract describe(): Description;

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * A line with class, name and state, such as `<Lock "invoices" held by Process-2 (pid 4121), 3
   * waiting>`.
   */
  toString(): string {
    return SharedObject.show(this, () => this.summary());
  }

  /**
   * The form that `JSON.stringify` writes: that of `describe()`, with bigints as decimal text. For
   * a closed object, its class and name.
   */
  toJSON(): object {
    if (this.detached) return { kind: this.#type.name, name: this.#name ?? null, closed: true };
    return forJson(this.describe()) as object;
  }

  /** One line on the object's state, for `util.inspect`. */
  protected abstract summary(): string;

  /** Class and name, as messages begin: `Lock "invoices"`. */
  protected get title(): string {
    return SharedObject.titleOf(this);
  }

  /** @internal The same where a record's field may hide `title`. */
  static titleOf(object: SharedObject): string {
    const { name } = object.#type;
    if (object.#name !== undefined) return `${name} ${JSON.stringify(object.#name)}`;
    const { label } = object.cell;
    return label === undefined ? name : `${name} (${label})`;
  }

  /** @internal The name of its class in Lockstep, also of a class that the program has derived. */
  static kindOf(object: SharedObject): string {
    return object.#type.name;
  }

  /** Throws `ClosedError` once the object is closed. */
  protected checkOpen(): void {
    if (this.detached) throw this.closedError();
  }

  /** @internal What `describe` returns: the facts of `tell`, or why they are unknown. */
  static describe<Told extends Description>(object: SharedObject, tell: () => Told): Told {
    const { cell } = object;
    const described = (why: object): Told => {
      const handle = SharedObject.plainHandle(object);
      return { kind: object.#type.name, name: object.#name ?? null, handle, ...why } as unknown as Told;
    };
    if (!object.#open || cell.closed) return described({ closed: true });
    try {
      return tell();
    } catch (error) {
      if (showing) throw error;
      return described({ unreadable: reasonOf(error) });
    }
  }

  /**
   * @internal What `toString` returns: class, name, and the state that `tell` tells, or why that is
   * unknown.
   */
  static show(object: SharedObject, tell: () => string): string {
    const title = SharedObject.titleOf(object);
    if (!object.#open || object.cell.closed) return `<${title} closed>`;
    const within = showing;
    showing = true;
    try {
      const detail = tell();
      return `<${title}${detail === '' ? '' : ` ${detail}`}>`;
    } catch (error) {
      return `<${title} can't be read: ${reasonOf(error)}>`;
    } finally {
      showing = within;
    }
  }

  /** @internal The handle for display, also of a closed object. */
  static plainHandle(object: SharedObject): string {
    return formatHandle(object.#type.name, handleFields(object.cell, object.#name));
  }

  protected closedError(): ClosedError {
    const isEnding = this.#open && Reflect.get(process, '_exiting') === true;
    const why = isEnding
      ? 'this thread ends and has left; register the exit listener before the first shared object is made'
      : 'it was closed in this thread; open it again by its handle or name';
    return new ClosedError(`${SharedObject.titleOf(this)}: refused, ${why}`);
  }

  /** @internal */
  static isOne(object: object): boolean {
    return #type in object;
  }

  /** @internal The object's name, also where a record's field hides it. */
  static nameOf(object: SharedObject): string | undefined {
    return object.#name;
  }

  protected extendHandle(_fields: URLSearchParams): void {}
}

markCopy(SharedObject.prototype);
const family = {
  isOne: (object: object): boolean => SharedObject.isOne(object),
  isOurs: (object: object): boolean => isOwn(object.constructor),
  titleOf: (object: object): string => SharedObject.titleOf(object as SharedObject),
};

/** Classes of which objects were made. */
const prepared = new WeakSet<object>();

/**
 * Makes assignments to read-only members throw. Classes that the program has derived stay as they
 * are.
 */
function prepare(derived: object): void {
  prepared.add(derived);
  let Class = derived as typeof SharedObject;
  while (Class !== SharedObject && !isOwn(Class)) Class = Object.getPrototypeOf(Class) as typeof SharedObject;
  for (; Class !== Function.prototype; Class = Object.getPrototypeOf(Class) as typeof SharedObject) {
    if (Class !== derived && prepared.has(Class.prototype)) return;
    prepared.add(Class.prototype);
    refuseReadOnly(Class.prototype, family);
  }
}

endStrictly(SharedObject.prototype, family);

showAs(SharedObject);

/** A copy that JSON can write: bigints as decimal text. */
export function forJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(forJson);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, forJson(each)]));
}
