/** Current task: a task as its own code sees it, in the worker that runs it. */

import { types } from 'node:util';
import type { MessagePort } from 'node:worker_threads';
import { abortsByWord } from '../aborts.ts';
import { InvalidTypeError, StateError } from '../errors.ts';
import { generationOf, slotOf } from './slot-words.ts';
import type { TaskTable } from './task-table.ts';

/** The task that runs here. */
export interface CurrentTask {
  /**
   * Whether the task was asked to stop, because it was cancelled or its time is over. It is one
   * read of shared memory, so a loop without `await` can check it in each round.
   */
  readonly aborted: boolean;
  /**
   * Aborts when the task is asked to stop, as soon as this worker's event loop runs. A blocking
   * wait of Lockstep that was given this signal ends, too, within milliseconds.
   */
  readonly signal: AbortSignal;
  /** Throws the reason if the task was asked to stop. */
  throwIfAborted(): void;
  /**
   * Sends a value to the pool, which passes it to `onReport` of the call and emits it as the event
   * `report`. *Blocks* for a moment if the pool has not read most of the earlier ones. Throws
   * `NotSendableError` if it can't be sent.
   */
  report(value: unknown): void;
}

/** A task as the worker keeps it while it runs. */
export class RunningTask implements CurrentTask {
  readonly ticket: number;
  /** Its function: the number in the list, or the reference as JSON. */
  readonly key: number | string;
  private readonly table: TaskTable;
  private readonly send: (ticket: number, value: unknown) => void;
  private controller: AbortController | undefined;

  constructor(
    ticket: number,
    key: number | string,
    table: TaskTable,
    send: (ticket: number, value: unknown) => void,
  ) {
    this.ticket = ticket;
    this.key = key;
    this.table = table;
    this.send = send;
  }

  get aborted(): boolean {
    return this.table.isAborted(slotOf(this.ticket), generationOf(this.ticket));
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      abortsByWord(this.controller.signal, () => this.look());
    }
    if (this.aborted && !this.controller.signal.aborted) this.controller.abort(abortReason());
    return this.controller.signal;
  }

  throwIfAborted(): void {
    if (this.aborted) throw abortReason();
  }

  report(value: unknown): void {
    this.send(this.ticket, value);
  }

  /** The pool has rung: aborts the signal if the task was asked to stop. */
  look(): void {
    if (this.controller !== undefined && !this.controller.signal.aborted && this.aborted)
      this.controller.abort(abortReason());
  }
}

function abortReason(): DOMException {
  return new DOMException('The pool has asked this task to stop', 'AbortError');
}

type Finder = () => CurrentTask | undefined;

/** One finder in a worker; in a program, one for each pool that works in this thread. */
const finders = new Set<Finder>();
/** The results of initializers, by their names. */
const states = new Map<string, { readonly value: unknown }>();

/** Registers a function that finds the running task. Called by the worker. */
export function findCurrentBy(find: Finder): void {
  finders.add(find);
}

export function findCurrentNoMoreBy(find: Finder): void {
  finders.delete(find);
}

/** Keeps the initializer's result. Called by the worker. */
export function keepState(initializer: string, value: unknown): void {
  states.set(initializer, { value });
}

/** The task that this code is part of; `undefined` if no pool runs this code. */
export function currentTask(): CurrentTask | undefined {
  // The worker itself registered first. Tasks of a pool that runs here are within one of its own.
  let found: CurrentTask | undefined;
  for (const find of finders) found = find() ?? found;
  return found;
}

/**
 * The value that the pool's initializer returned in this worker, with the initializer's type.
 * Throws `StateError` if no pool with that initializer runs this code.
 *
 * @example
 * export const connect = (url: string): Promise<Client> => Client.connect(url);
 * export const report = (month: string) => workerState(connect).query('…', [month]);
 */
export function workerState<State, Args extends readonly unknown[]>(
  initializer: (...args: Args) => State,
): Awaited<State> {
  if (typeof initializer !== 'function') {
    throw new InvalidTypeError('workerState: refused, there is no function; pass the pool’s initializer');
  }
  const state = states.get(initializer.name);
  if (state === undefined) {
    const [other] = states.keys();
    throw new StateError(
      `workerState: there is none of "${initializer.name}", ${other === undefined ? 'no pool with an initializer runs this code' : `this pool's initializer is "${other}"`}; ` +
        'pass the initializer of the pool, and call this from its tasks',
    );
  }
  return state.value as Awaited<State>;
}

/** Memory and ports that can move. */
export type Movable = ArrayBuffer | MessagePort;

const marks = new WeakMap<object, readonly Movable[]>();
let hasMarked = false;

/** The list that `transfer` was given for the value; `undefined`: it is not marked. */
export function markOf(value: unknown): readonly Movable[] | undefined {
  return hasMarked && typeof value === 'object' && value !== null ? marks.get(value) : undefined;
}

/**
 * Marks the result of a call, and returns it: a `ThreadPool` moves the buffers and ports in `list`
 * to its own thread, and does not copy them. By default that is the value itself, or the buffer
 * under it. Results of processes are copied all the same, and so are results of `map` and values of
 * a `stream`, which pass through a ring in their order. Throws `InvalidTypeError`.
 *
 * @example
 * export const blur = (pixels: Uint8Array): Uint8Array => transfer(blurred(pixels));
 */
export function transfer<Value extends object>(value: Value, list?: readonly Movable[]): Value {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  const movable = list ?? (types.isArrayBuffer(buffer) ? [buffer] : undefined);
  if (!Array.isArray(movable) || Object(value) !== value) {
    throw new InvalidTypeError(
      'transfer: refused, it does not know what to move; pass a list of buffers and ports: transfer(value, [buffer])',
    );
  }
  hasMarked = true;
  marks.set(value, movable as Movable[]);
  return value;
}
