/**
 * Child state: the state of a Process or Thread object.
 *
 *   new ── start() ──> running ── the child ends ──> ended
 *    └──────────────── close() ──────> closed <── close() ──┘
 *
 * The end is noticed in two ways. One is an event of Node's event loop, the other a look at the
 * kernel when the program asks (`isAlive`, `exitCode`, `joinSync`) while that loop can't run.
 * Whichever comes first settles the state; the other finds it done.
 */

import { inspect } from 'node:util';
import { forbidSending } from '../codec/sendable.ts';
import { ClosedError, InvalidTypeError, StateError } from '../errors.ts';
import type { Origin } from '../stacks.ts';
import { withCaller, withOrigin } from '../stacks.ts';
import { noteJoin } from '../waiting/awaited-joins.ts';
import type { LiveChild } from './children.ts';
import { untrackChild } from './children.ts';
import { deathOf } from './death.ts';
import type { Launch, Running } from './launch.ts';
import { settle } from './outcome.ts';
import type { Target } from './target.ts';
import type { Moving } from './thread/moving.ts';

export type ChildKind = 'Process' | 'Thread';

export interface ChildState {
  readonly kind: ChildKind;
  readonly launch: Launch;
  /**
   * Whether the object stands for the process or thread that it is in, which can't wait for itself.
   */
  readonly isSelf: boolean;
  readonly target: Target<unknown, never> | undefined;
  /**
   * Arguments or fields. Kept until the child has ended, so that no shared object on its way to the
   * child is freed.
   */
  cargo: unknown;
  name: string;
  daemon: boolean;
  running: Running | undefined;
  /** Where it was started. */
  origin: Origin | undefined;
  exitCode: number | null;
  closed: boolean;
  /** Calls of `join` that wait. */
  joins: number;
  /** Whether its end is on record as awaited, because its result was read. */
  isResultAwaited: boolean;
  readonly onSettled: Set<() => void>;
  readonly sentinel: AbortController;
  readonly result: Deferred;
}

interface Deferred {
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

const states = new WeakMap<object, ChildState>();

/** Gives a new object its state. */
export function beginState(
  child: object,
  given: Pick<ChildState, 'kind' | 'launch' | 'target' | 'cargo' | 'name' | 'daemon' | 'isSelf'>,
): void {
  states.set(child, {
    ...given,
    running: undefined,
    origin: undefined,
    exitCode: null,
    closed: false,
    joins: 0,
    isResultAwaited: false,
    onSettled: new Set(),
    sentinel: new AbortController(),
    result: newDeferred(),
  });
  forbidSending(child, `a ${given.kind}, which only the thread that made it can use`);
}

/** Makes `object` stand for the process or thread that it is in. */
export function standForSelf(object: object, kind: ChildKind, name: string, daemon: boolean): void {
  const launch = (): never => {
    throw new StateError(`${kind} "${name}": can't be started from within; make a new ${kind}`);
  };
  beginState(object, { kind, launch, target: undefined, cargo: [], name, daemon, isSelf: true });
}

/** How values move to and from a started thread; `undefined`: it is a process. */
export function movingOf(child: object): Moving | undefined {
  return stateOf(child).running?.moving;
}

/** Whether it is a Process or Thread, and no prototype. */
export function isChild(object: object): boolean {
  return states.has(object);
}

export function stateOf(child: object): ChildState {
  const state = states.get(child);
  if (state === undefined) {
    throw new InvalidTypeError(
      'Process or Thread: refused, the object was not made by its constructor; call super() first',
    );
  }
  return state;
}

/** The error that ended the child, where its parent has it: of threads. */
export function causeOfDeath(child: object): unknown {
  return states.get(child)?.running?.death().cause;
}

/** The state, unless the object was closed. */
export function openState(child: object): ChildState {
  const state = stateOf(child);
  if (state.closed)
    throw new ClosedError(`${titleOf(state)}: refused, it was closed; ask before calling close()`);
  return state;
}

/** The state, if the child was not started yet. */
export function changeableState(child: object, what: string): ChildState {
  const state = openState(child);
  if (state.isSelf || state.running !== undefined) {
    throw new StateError(
      `${titleOf(state)}: its ${what} can't be changed, it was started; set it before start()`,
    );
  }
  return state;
}

/** The state of a child that was started, for `verb`, which a child can't do to itself. */
export function startedState(child: object, verb: string): { state: ChildState; running: Running } {
  const state = openState(child);
  const { running } = state;
  if (state.isSelf) {
    throw new StateError(`${titleOf(state)}: can't ${verb} itself; do that from where it was started`);
  }
  if (running === undefined) {
    throw new StateError(`${titleOf(state)}: can't ${verb}, it was not started; call start() first`);
  }
  return { state, running };
}

/** Looks whether a started child has ended, settles its state if so, and says whether it has. */
export function look(child: LiveChild): boolean {
  const state = stateOf(child);
  const { running } = state;
  if (state.exitCode !== null) return true;
  // Ask whether the child has ended.
  const code = running?.peek() ?? null;
  if (running === undefined || code === null) return false;
  state.exitCode = code;
  untrackChild(child);
  // Collect its outcome, and settle the result.
  const outcome = running.collect();
  const { result, origin } = state;
  if (outcome === undefined) {
    const error = deathOf(state.kind, titleOf(state), state.exitCode, running.death());
    result.reject(withOrigin(error, origin));
  } else {
    const between = `in ${titleOf(state)}, started`;
    settle(outcome, result.resolve, (reason) => result.reject(withCaller(reason, origin, between)));
  }
  state.cargo = undefined;
  // Wake up joins, then observers.
  for (const wake of [...state.onSettled]) wake();
  state.sentinel.abort();
  return true;
}

/** While a call awaits a daemon, the daemon keeps the event loop running. */
export function holdLoop(state: ChildState, running: Running): void {
  if (state.joins++ === 0 && state.daemon) running.keepAlive(true);
}

/** Records for observers outside that its result is awaited, until it has ended. */
export function noteResultWait(state: ChildState, running: Running): void {
  if (state.isResultAwaited) return;
  state.isResultAwaited = true;
  const end = noteJoin(state.kind === 'Process' ? running.id : -running.id, false);
  const settled = (): void => {
    state.onSettled.delete(settled);
    end();
  };
  state.onSettled.add(settled);
}

export function releaseLoop(state: ChildState, running: Running): void {
  if (--state.joins === 0 && state.daemon && state.exitCode === null) running.keepAlive(false);
}

/** Begins messages: `Process "Process-1"`. */
export function titleOf({ kind, name }: ChildState): string {
  return `${kind} ${JSON.stringify(name)}`;
}

/** One line for `util.inspect`. */
export function summaryOf(child: LiveChild): string {
  const state = stateOf(child);
  return `<${titleOf(state)}${state.daemon ? ' daemon' : ''} ${conditionOf(child, state)}>`;
}

function conditionOf(child: LiveChild, state: ChildState): string {
  const { running, kind } = state;
  if (state.closed) return 'closed';
  if (state.isSelf) return 'this one';
  if (running === undefined) return 'not started';
  const id = `${kind === 'Process' ? 'pid' : 'thread'} ${running.id}`;
  return look(child) ? `(${id}) ended with exit code ${state.exitCode}` : `(${id}) running`;
}

function newDeferred(): Deferred {
  let resolve!: Deferred['resolve'];
  let reject!: Deferred['reject'];
  const promise = new Promise<unknown>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // The program need not handle the result.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Milliseconds of a `join`, or `undefined`. */
export function timeoutOf(child: object, given: unknown): number | undefined {
  const isOptions = typeof given === 'object' && given !== null && !Array.isArray(given);
  const other = isOptions ? Object.keys(given).find((key) => key !== 'timeout') : undefined;
  const timeout = isOptions ? (given as { timeout?: unknown }).timeout : given;
  if (other === undefined) {
    if (timeout === undefined) return undefined;
    if (typeof timeout === 'number' && !Number.isNaN(timeout)) return timeout;
  }
  throw new InvalidTypeError(
    `${titleOf(stateOf(child))}: can't be joined, ${
      other === undefined
        ? `${inspect(timeout)} is not a number of milliseconds`
        : `join has no option ${other}`
    }; pass e.g. 500 or { timeout: 500 }, or leave it out`,
  );
}
