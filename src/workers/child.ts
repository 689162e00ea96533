/**
 * Child: what Process and Thread have in common: started once, joined, watched, closed.
 *
 *   new ── start() ──> running ── the child ends ──> ended
 *    └──────────────── close() ──────> closed <── close() ──┘
 *
 * The end is noticed in two ways: by the event of Node's event loop, and by a look at the kernel when somebody asks
 * (`isAlive`, `exitCode`, `joinSync`) while that loop can't run. Whichever comes first settles the object; the other finds it done.
 */

import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import type { FunctionReference } from '../agents/function-reference.ts';
import { Deadline } from '../deadline.ts';
import { ClosedError, InvalidTypeError, StateError, WorkerDiedError } from '../errors.ts';
import { trackChild, untrackChild } from './children.ts';
import { afterMilliseconds } from './long-timeout.ts';
import type { Outcome } from './outcome.ts';
import { settle } from './outcome.ts';
import { forbidSending } from './parcel.ts';
import type { Target, TargetFunction } from './target.ts';
import { checkTarget, referenceToTarget } from './target.ts';

/** Options of a Process and of a Thread. */
export interface ChildOptions<Result, Args extends readonly unknown[]> {
  /** What the child runs: a function that its module exports, or `{ module, export }`. Not needed where `run` is overridden. */
  target?: Target<Result, Args> | undefined;
  /** Arguments of the target: whatever structured clone can carry, with shared objects nested anywhere. */
  args?: NoInfer<Args> | undefined;
  /** Shown in messages and as the owner of locks. */
  name?: string | undefined;
  /** Whether the child is ended when its parent ends, instead of being waited for. Default `false`. */
  daemon?: boolean | undefined;
}

/** What is started. */
export interface Order {
  readonly title: string;
  readonly name: string;
  readonly daemon: boolean;
  readonly target: FunctionReference;
  /** Whether the target is a class, whose `run` is called on an object with the fields in `cargo`; else `cargo` holds arguments. */
  readonly isMethod: boolean;
  readonly cargo: unknown;
  /** Called from the event loop when the child has ended. */
  readonly onEnd: () => void;
}

/** A child that was started. */
export interface Running {
  /** Process id, or thread id. */
  readonly id: number;
  /** Its exit code, as soon as it has ended; `null` before. Does not block. */
  peek(): number | null;
  /** *Blocks* until the child has ended or the deadline passes; returns whether it has ended. */
  block(deadline: Deadline): boolean;
  /** Whether it keeps this thread's event loop running. */
  keepAlive(on: boolean): void;
  stop(how: 'terminate' | 'kill'): void;
  /** Called once after the end: frees what the child held, and gives what it left. */
  collect(): Outcome | undefined;
}

interface State {
  readonly kind: 'Process' | 'Thread';
  readonly launch: (order: Order) => Running;
  /** Whether the object stands for the process or thread that it is in, which can't wait for itself. */
  readonly isSelf: boolean;
  readonly target: Target<unknown, never> | undefined;
  /** Kept until the child has ended, so that no shared object on its way to the child is freed. */
  cargo: unknown;
  name: string;
  daemon: boolean;
  running: Running | undefined;
  exitCode: number | null;
  closed: boolean;
  joins: number;
  readonly onSettled: Set<() => void>;
  readonly sentinel: AbortController;
  readonly result: Deferred;
}

interface Deferred {
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

const states = new WeakMap<Child<unknown, never>, State>();
/** Fields of an EventEmitter, which stay here when the object's own fields go to the child. */
const EMITTER_FIELDS = new Set(['_events', '_eventsCount', '_maxListeners', 'domain']);

export abstract class Child<Result = unknown, Args extends readonly unknown[] = readonly unknown[]> extends EventEmitter {
  protected constructor(
    kind: 'Process' | 'Thread',
    defaultName: string,
    options: ChildOptions<Result, Args>,
    launch: (order: Order) => Running,
  ) {
    super();
    checkOptions(kind, options);
    const { target, args, name = defaultName, daemon = false } = options;
    states.set(this, newState(kind, { launch, target, cargo: args ?? [], name, daemon, isSelf: false }));
    forbidSending(this, `a ${kind}, which only the thread that made it can use`);
  }

  /** What the child runs: calls the target with the arguments. A subclass may override it and go without a target. */
  run(): unknown {
    const { target, cargo, kind, name } = stateOf(this);
    if (typeof target !== 'function') {
      throw new StateError(`${kind} "${name}": can't run, it has no target function here; override run(), or call start()`);
    }
    return (target as TargetFunction)(...(cargo as unknown[]));
  }

  /**
   * Starts the child. Returns at once; the child runs in parallel.
   *
   * @throws {StateError} if it was started before, or in a daemon process, which may not have children
   * @throws {TargetError} if the child could not find the target again; the message says what to write
   * @throws {NotSendableError} if an argument can't be sent; the message says which
   */
  start(): void {
    const state = openState(this);
    const title = titleOf(state);
    if (state.isSelf || state.running !== undefined) {
      throw new StateError(`${title}: can't be started, it was started before; make a new ${state.kind} for each run`);
    }
    const isMethod = this.run !== Child.prototype.run;
    const target = referenceToTarget(isMethod ? this.constructor : state.target, title, isMethod);
    if (isMethod) state.cargo = ownFields(this);
    state.running = state.launch({
      title,
      name: state.name,
      daemon: state.daemon,
      target,
      isMethod,
      cargo: state.cargo,
      onEnd: () => this.#onEnd(),
    });
    if (state.daemon) state.running.keepAlive(false);
    trackChild(this);
  }

  /**
   * Waits until the child has ended; its event loop goes on. Gives `true` when it has, `false` when the timeout passed first.
   * May be called any number of times.
   *
   * @param timeout milliseconds; 0 or less looks once; without it there is no limit
   */
  async join(timeout?: number): Promise<boolean> {
    const { state, running } = joinable(this, timeout);
    if (look(this) || (timeout !== undefined && timeout <= 0)) return state.exitCode !== null;
    hold(state, running);
    return new Promise<boolean>((resolve) => {
      const finish = (ended: boolean): void => {
        cancel?.();
        state.onSettled.delete(onSettled);
        letGo(state, running);
        resolve(ended);
      };
      const onSettled = (): void => finish(true);
      const cancel = timeout === undefined ? undefined : afterMilliseconds(timeout, () => finish(false));
      state.onSettled.add(onSettled);
    });
  }

  /**
   * Waits like `join`. *Blocks* this thread.
   *
   * @param timeout milliseconds; 0 or less looks once; without it there is no limit
   */
  joinSync(timeout?: number): boolean {
    const { state, running } = joinable(this, timeout);
    if (look(this)) return true;
    if (timeout !== undefined && timeout <= 0) return false;
    running.block(timeout === undefined ? Deadline.NEVER : Deadline.from({ timeout }));
    look(this);
    return state.exitCode !== null;
  }

  /** Whether the child was started and has not ended. Looks at the child itself, also while the event loop can't run. */
  isAlive(): boolean {
    const state = openState(this);
    return state.isSelf || (state.running !== undefined && !look(this));
  }

  /** Ends the child: a process by SIGTERM, a thread at its next step. No `finally` block and no exit handler of it runs. */
  terminate(): void {
    stop(this, 'terminate');
  }

  /** Ends the child: a process by SIGKILL, which nothing can catch; a thread as `terminate` does. */
  kill(): void {
    stop(this, 'kill');
  }

  /**
   * Gives up the object of a child that has ended or was never started. Afterwards only `name`, `daemon` and `result` can be
   * used. Idempotent. Throws `StateError` while the child runs.
   */
  close(): void {
    const state = stateOf(this);
    if (state.closed) return;
    if (state.isSelf || (state.running !== undefined && !look(this))) {
      throw new StateError(`${titleOf(state)}: can't be closed, it is still running; join it first, or terminate it`);
    }
    state.closed = true;
  }

  /** What the child is called. Can be changed until it is started. */
  get name(): string {
    return stateOf(this).name;
  }

  set name(name: string) {
    checkOptions(stateOf(this).kind, { name });
    notStarted(this, 'name').name = name;
  }

  /** Whether the child is ended when its parent ends. Can be changed until it is started. */
  get daemon(): boolean {
    return stateOf(this).daemon;
  }

  set daemon(daemon: boolean) {
    checkOptions(stateOf(this).kind, { daemon });
    notStarted(this, 'daemon').daemon = daemon;
  }

  /** `null` until the child has ended; then its exit code, or for a process killed by signal n: -n. */
  get exitCode(): number | null {
    const state = openState(this);
    look(this);
    return state.exitCode;
  }

  /** Aborts when the child ends, and stays aborted. */
  get sentinel(): AbortSignal {
    return openState(this).sentinel.signal;
  }

  /**
   * What the target returned, once the child has ended. Rejects with what it threw, or with `WorkerDiedError` when it ended
   * without either. Nobody has to look at it: it never counts as an unhandled rejection.
   */
  get result(): Promise<Awaited<Result>> {
    const state = stateOf(this);
    // Whoever reads the result of a daemon wants to wait for it, so the event loop must.
    if (state.running !== undefined && state.exitCode === null) state.running.keepAlive(true);
    return state.result.promise as Promise<Awaited<Result>>;
  }

  [inspect.custom](): string {
    const state = stateOf(this);
    return `<${titleOf(state)}${state.daemon ? ' daemon' : ''} ${condition(this, state)}>`;
  }

  /** From the event loop: Node has seen the end. */
  #onEnd(): void {
    look(this);
    this.emit('exit', stateOf(this).exitCode);
  }
}

/** Makes `object` stand for the process or thread that it is in. */
export function standForSelf(object: object, kind: 'Process' | 'Thread', name: string, daemon: boolean): void {
  const launch = (): never => {
    throw new StateError(`${kind} "${name}": can't be started from within; make a new ${kind}`);
  };
  const state = newState(kind, { launch, target: undefined, cargo: [], name, daemon, isSelf: true });
  states.set(object as Child<unknown, never>, state);
  forbidSending(object, `a ${kind}, which only the thread that made it can use`);
}

/** Process id or thread id of a started child; `null` before. */
export function idOf(child: object): number | null {
  return openState(child).running?.id ?? null;
}

export function isSelf(child: object): boolean {
  return stateOf(child).isSelf;
}

function newState(
  kind: 'Process' | 'Thread',
  given: Pick<State, 'launch' | 'target' | 'cargo' | 'name' | 'daemon' | 'isSelf'>,
): State {
  return {
    kind,
    ...given,
    running: undefined,
    exitCode: null,
    closed: false,
    joins: 0,
    onSettled: new Set(),
    sentinel: new AbortController(),
    result: newDeferred(),
  };
}

function newDeferred(): Deferred {
  let resolve!: Deferred['resolve'];
  let reject!: Deferred['reject'];
  const promise = new Promise<unknown>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

function stateOf(child: object): State {
  const state = states.get(child as Child<unknown, never>);
  if (state === undefined) {
    throw new InvalidTypeError('Process or Thread: refused, the object was not made by its constructor; call super() first');
  }
  return state;
}

/** The state, unless the object was closed. */
function openState(child: object): State {
  const state = stateOf(child);
  if (state.closed) throw new ClosedError(`${titleOf(state)}: refused, it was closed; ask before calling close()`);
  return state;
}

function notStarted(child: object, what: string): State {
  const state = openState(child);
  if (state.isSelf || state.running !== undefined) {
    throw new StateError(`${titleOf(state)}: its ${what} can't be changed, it was started; set it before start()`);
  }
  return state;
}

function joinable(child: object, timeout: unknown): { state: State; running: Running } {
  const state = openState(child);
  if (timeout !== undefined && (typeof timeout !== 'number' || Number.isNaN(timeout))) {
    throw new InvalidTypeError(
      `${titleOf(state)}: can't be joined, ${inspect(timeout)} is not a number of milliseconds; pass e.g. 500, or leave it out`,
    );
  }
  if (state.isSelf) {
    throw new StateError(`${titleOf(state)}: can't be joined, a ${state.kind.toLowerCase()} can't wait for its own end; join it elsewhere`);
  }
  if (state.running === undefined) {
    throw new StateError(`${titleOf(state)}: can't be joined, it was not started; call start() first`);
  }
  return { state, running: state.running };
}

/** Looks whether a started child has ended, settles the object if so, and says whether it has. */
function look(child: Child<unknown, never>): boolean {
  const state = stateOf(child);
  if (state.exitCode !== null) return true;
  const code = state.running?.peek() ?? null;
  if (code === null) return false;
  state.exitCode = code;
  untrackChild(child);
  const outcome = state.running?.collect();
  if (outcome === undefined) state.result.reject(died(state));
  else settle(outcome, state.result.resolve, state.result.reject);
  state.cargo = undefined;
  for (const wake of [...state.onSettled]) wake();
  state.sentinel.abort();
  return true;
}

function died(state: State): WorkerDiedError {
  const { exitCode } = state;
  const how =
    exitCode !== null && exitCode < 0 ? `was killed by signal ${-exitCode}` : `ended with exit code ${exitCode} before its target was done`;
  return new WorkerDiedError(`${titleOf(state)}: has no result, it ${how}; look for what ended it, or let its target return`);
}

/** While somebody awaits a daemon, it keeps the event loop running. */
function hold(state: State, running: Running): void {
  if (state.joins++ === 0 && state.daemon) running.keepAlive(true);
}

function letGo(state: State, running: Running): void {
  if (--state.joins === 0 && state.daemon && state.exitCode === null) running.keepAlive(false);
}

function stop(child: object, how: 'terminate' | 'kill'): void {
  const state = openState(child);
  if (state.isSelf) {
    throw new StateError(`${titleOf(state)}: can't ${how} itself; call process.exit() to end it from within`);
  }
  if (state.running === undefined) {
    throw new StateError(`${titleOf(state)}: can't ${how} it, it was not started; call start() first`);
  }
  if (state.exitCode === null) state.running.stop(how);
}

/** The fields that a subclass has given the object. */
function ownFields(child: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(child).filter(([key]) => !EMITTER_FIELDS.has(key)));
}

function checkOptions(kind: string, options: ChildOptions<never, never>): void {
  if (options === null || typeof options !== 'object') {
    throw new InvalidTypeError(`${kind}: refused, its options are ${inspect(options)}; pass an object such as { target, args: [] }`);
  }
  const { name, daemon, args, target } = options as ChildOptions<unknown, unknown[]>;
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new InvalidTypeError(`${kind}: refused, its name is ${inspect(name)}; pass a string that is not empty`);
  }
  if (daemon !== undefined && typeof daemon !== 'boolean') {
    throw new InvalidTypeError(`${kind}: refused, daemon is ${inspect(daemon)}; pass true or false`);
  }
  if (args !== undefined && !Array.isArray(args)) {
    throw new InvalidTypeError(`${kind}: refused, args is ${inspect(args, { depth: 0 })}; pass an array of arguments`);
  }
  checkTarget(kind, target);
}

function titleOf({ kind, name }: State): string {
  return `${kind} ${JSON.stringify(name)}`;
}

function condition(child: Child<unknown, never>, state: State): string {
  if (state.closed) return 'closed';
  if (state.isSelf) return 'this one';
  if (state.running === undefined) return 'not started';
  const id = `${state.kind === 'Process' ? 'pid' : 'thread'} ${state.running.id}`;
  return look(child) ? `(${id}) ended with exit code ${state.exitCode}` : `(${id}) running`;
}
