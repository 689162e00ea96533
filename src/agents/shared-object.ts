/**
 * SharedObject: what all objects in shared memory have in common: made or opened, named, passed on by a handle, closed.
 *
 * Several objects of one agent can stand for the same cell (opened twice, say). The agent closes its end when the last of them is
 * closed or garbage-collected.
 */

import { inspect } from 'node:util';
import type { ObjectOptions } from '../contracts.ts';
import {
  ClosedError,
  HandleError,
  InvalidTypeError,
  NameTakenError,
  NotFoundError,
  StaleHandleError,
} from '../errors.ts';
import type { Place } from '../memory/arena.ts';
import type { Agent } from './agent.ts';
import { agentInFolder, agentInNamespace, defaultAgent } from './agent.ts';
import type { Cell, ObjectType } from './cell.ts';
import { namedFolder } from './folder.ts';
import { kindNumbered } from './kinds.ts';
import type { NamedCell } from './names.ts';
import { checkName, lookUp, pruneName, register, withNames } from './names.ts';
import { reapDeadOpeners } from './reaper.ts';

const HANDLE_FORM = /^lockstep:([A-Za-z]+)\?(.+)$/s;
const DEFAULT_NAMESPACE = 'default';

/** A cell with the name it was found by: what the constructors of shared objects are given to stand for it. */
export class Opened {
  readonly cell: Cell;
  readonly name: string | undefined;
  /** What else the handle said. */
  readonly extra: URLSearchParams | undefined;

  constructor(cell: Cell, name: string | undefined, extra?: URLSearchParams) {
    this.cell = cell;
    this.name = name;
    this.extra = extra;
  }
}

/** What `describe()` tells of every object. */
export interface Description {
  /** The class's name. */
  kind: string;
  name: string | null;
  handle: string;
  [detail: string]: unknown;
}

const openers = new Map<string, (handle: string) => SharedObject>();
const openings = new Set<Promise<unknown>>();
interface Forgotten {
  readonly cell: Cell;
  readonly name: string | undefined;
}

/** What nothing in this thread can reach any more, but holds. It stays open: to be forgotten is no release. */
let forgotten: Forgotten[] = [];
const collected = new FinalizationRegistry<Forgotten>((object) => {
  forgotten.push(object);
  const over = forgotten.filter(({ cell }) => !isHeld(cell));
  forgotten = forgotten.filter(({ cell }) => !over.some((each) => each.cell === cell));
  for (const { cell, name } of over) letGo(cell, name);
});

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
    collected.register(this, { cell, name }, this);
  }

  /** The name by which unrelated programs find the object, if it has one. */
  get name(): string | undefined {
    return this.#name;
  }

  /** A string that stands for the object: `open(handle)` gives it back in any process and thread of this user. */
  get handle(): string {
    this.checkOpen();
    const fields = new URLSearchParams({
      in: this.cell.agent.folder,
      cell: String(this.cell.number),
      generation: String(this.cell.generation),
    });
    if (this.#name !== undefined) fields.set('name', this.#name);
    this.extendHandle(fields);
    return `lockstep:${this.#type.name}?${fields}`;
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
    collected.unregister(this);
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

/** Registers how a class opens a handle, for `openShared`. */
export function registerClass(name: string, open: (handle: string) => SharedObject): void {
  openers.set(name, open);
}

/** Says that an opened object is complete only when the promise has settled. */
export function noteOpening(promise: Promise<unknown>): void {
  const settled: Promise<unknown> = promise.then(
    () => openings.delete(settled),
    () => openings.delete(settled),
  );
  openings.add(settled);
}

/** Resolves when everything that was opened is complete. What failed is told by the object itself, when it is used. */
export async function openingsSettled(): Promise<void> {
  await Promise.all(openings);
}

/** Opens the object of any class that the handle stands for. */
export function openShared(handle: string): SharedObject {
  if (typeof handle !== 'string') throw noHandle('object', handle);
  const name = HANDLE_FORM.exec(handle)?.[1] ?? '';
  const open = openers.get(name);
  if (open === undefined) throw malformed('object', handle);
  return open(handle);
}

/** The cell for a constructor call: found by its name, or made. */
export function obtain(
  type: ObjectType,
  options: ObjectOptions | undefined,
  init: (place: Place, agent: Agent) => void,
): Opened {
  checkOptions(type, options);
  // Only what is left out has a default: null is refused as what it is, no string.
  const { name, namespace = DEFAULT_NAMESPACE } = options ?? {};
  if (name !== undefined) checkName(name);
  const anonymous = name === undefined && options?.namespace === undefined;
  return obtainIn(anonymous ? defaultAgent() : agentInNamespace(namespace), type, name, init);
}

/** The same for an object that belongs to another, in whose namespace it has to be. */
export function obtainBeside(
  other: SharedObject,
  type: ObjectType,
  options: ObjectOptions | undefined,
  init: (place: Place, agent: Agent) => void,
): Opened {
  checkOptions(type, options);
  const { agent } = other.cell;
  const { name, namespace } = options ?? {};
  if (namespace !== undefined && namedFolder(namespace) !== agent.folder) {
    throw new InvalidTypeError(
      `${type.name}: refused, namespace ${inspect(namespace)} is not that of its lock; leave the namespace out`,
    );
  }
  return obtainIn(agent, type, name, init);
}

function checkOptions(type: ObjectType, options: unknown): void {
  if (options === undefined || (options !== null && typeof options === 'object')) return;
  throw new InvalidTypeError(
    `${type.name}: refused, its options are ${inspect(options)}; pass an object such as { name: "…" }`,
  );
}

/** The same in the namespace of a certain agent. */
function obtainIn(
  agent: Agent,
  type: ObjectType,
  name: string | undefined,
  init: (place: Place, agent: Agent) => void,
): Opened {
  const make = (): Cell => agent.create(type, (place) => init(place, agent));
  if (name === undefined) return new Opened(make(), undefined);
  checkName(name);
  const cell = withNames(agent.namespace, () => {
    const found = lookUpLive(agent, name);
    if (found !== undefined && found.kind !== type.kind) throw nameTaken(type, name, found.kind, agent);
    const opened = found && agent.open(type, found.cell, found.generation);
    if (opened !== undefined) return opened;
    const made = make();
    giveName(made, name);
    return made;
  });
  return new Opened(cell, name);
}

/**
 * The cell that the name stands for, if somebody alive has it open. The dead count as users until they are reaped, and where nobody
 * waits nobody looks: then the next to come would get what they left, with a plain semaphore's permits gone, instead of a fresh object.
 */
function lookUpLive(agent: Agent, name: string): NamedCell | undefined {
  const { namespace } = agent;
  const found = lookUp(namespace, name);
  if (found === undefined || agent.cells.has(found.cell)) return found;
  reapDeadOpeners(agent, namespace.arena.place(found.cell));
  return lookUp(namespace, name);
}

/**
 * Makes an object of a name that is new in the namespace. `made` is called when the name leads to it, while no one else can look it up.
 * Throws `NameTakenError`.
 */
export function obtainNew(
  type: ObjectType,
  name: string,
  namespace: string = DEFAULT_NAMESPACE,
  init: (place: Place, agent: Agent) => void,
  made: (cell: Cell) => void,
): Opened {
  checkName(name);
  const agent = agentInNamespace(namespace);
  const cell = withNames(agent.namespace, () => {
    const found = lookUpLive(agent, name);
    if (found !== undefined) throw nameTaken(type, name, found.kind, agent);
    const fresh = agent.create(type, (place) => init(place, agent));
    giveName(fresh, name);
    made(fresh);
    return fresh;
  });
  return new Opened(cell, name);
}

/** Opens the object of that name. Throws `NotFoundError`, or `NameTakenError` if it is of another kind. */
export function obtainExisting(
  type: ObjectType,
  name: string,
  namespace: string = DEFAULT_NAMESPACE,
): Opened {
  checkName(name);
  const agent = agentInNamespace(namespace);
  const cell = withNames(agent.namespace, () => {
    const found = lookUpLive(agent, name);
    if (found !== undefined && found.kind !== type.kind) throw nameTaken(type, name, found.kind, agent);
    return found && agent.open(type, found.cell, found.generation);
  });
  if (cell !== undefined) return new Opened(cell, name);
  throw new NotFoundError(
    `${type.name} ${JSON.stringify(name)}: can't be opened, nothing of that name is in ${agent.folder}; ` +
      'check the name and the namespace, or make it first',
  );
}

/** The cell that a handle stands for. Throws `HandleError` or `StaleHandleError`. */
export function openHandle(type: ObjectType, handle: string): Opened {
  if (typeof handle !== 'string') {
    throw noHandle(type.name, handle);
  }
  const [, className, query] = HANDLE_FORM.exec(handle) ?? [];
  if (className === undefined || query === undefined) throw malformed(type.name, handle);
  if (className !== type.name) {
    throw new HandleError(
      `${type.name}: can't open a handle of a ${className}; use ${className}.open(handle)`,
    );
  }
  const fields = new URLSearchParams(query);
  const folder = fields.get('in');
  const number = Number(fields.get('cell'));
  const generation = Number(fields.get('generation'));
  if (folder === null || !Number.isInteger(number) || !Number.isInteger(generation))
    throw malformed(type.name, handle);
  const cell = agentInFolder(folder).open(type, number, generation);
  if (cell === undefined) {
    throw new StaleHandleError(
      `${type.name}: can't open the handle, its object does not exist any more; keep the object open somewhere while handles are in use`,
    );
  }
  return new Opened(cell, fields.get('name') ?? undefined, fields);
}

/** Makes the name stand for a new cell, which is closed again where that fails. */
function giveName(cell: Cell, name: string): void {
  const { agent, number, generation } = cell;
  try {
    register(agent.namespace, name, number, generation);
  } catch (error) {
    agent.closeCell(cell);
    throw error;
  }
}

function nameTaken({ name: kind }: ObjectType, name: string, found: number, agent: Agent): NameTakenError {
  const other = kindNumbered(found)?.name ?? 'foreign object';
  return new NameTakenError(
    `${kind} ${JSON.stringify(name)}: refused, the name stands for a ${other} in ${agent.folder}; ` +
      `${other === kind ? 'open that one, or ' : ''}choose another name or namespace`,
  );
}

function noHandle(kind: string, handle: unknown): InvalidTypeError {
  return new InvalidTypeError(
    `${kind}: can't open ${inspect(handle)}, a handle is a string; pass another object's .handle`,
  );
}

function malformed(kind: string, handle: string): HandleError {
  const shown = handle.length > 60 ? `${handle.slice(0, 60)}…` : handle;
  return new HandleError(
    `${kind}: can't open ${JSON.stringify(shown)}, it is not a handle of Lockstep's; pass another object's .handle`,
  );
}

/** Gives back a cell that was opened in vain, as no object came to stand for it. */
export function abandon({ cell, name }: Opened): void {
  cell.references++;
  letGo(cell, name);
}

/** Whether this thread holds the cell's object, or one that belongs to it. */
function isHeld(cell: Cell): boolean {
  if (cell.closed) return false;
  const { namespace, slot } = cell.agent;
  const kind = kindNumbered(cell.kind);
  const place = namespace.arena.place(cell.number);
  const holds = kind?.holds?.(namespace, place, slot) ?? kind?.holder?.(place) === slot;
  return holds || cell.parts.some(isHeld);
}

/** One object less stands for the cell: it is closed if that was the last. */
export function letGo(cell: Cell, name: string | undefined): void {
  if (--cell.references > 0 || cell.closed) return;
  const { agent } = cell;
  agent.closeCell(cell);
  if (name !== undefined) pruneName(agent.namespace, name);
}
