/** Child: the common part of Process and Thread: made, started once, joined, watched, closed. */

import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { noteSentinel } from '../agents/sentinels.ts';
import { CHECKS_ARGUMENTS } from '../checks.ts';
import { warnOfLosses } from '../codec/losses.ts';
import { Deadline } from '../deadline.ts';
import { InvalidTypeError, StateError } from '../errors.ts';
import { afterMilliseconds } from '../long-timer.ts';
import { checkKnown } from '../options.ts';
import { readable, showAs } from '../readable.ts';
import { noteOrigin } from '../stacks.ts';
import { endStrictly, refuseReadOnly } from '../strict.ts';
import { servedAtOnce } from '../turns.ts';
import { noteJoin } from '../waiting/awaited-joins.ts';
import type { ChildKind } from './child-state.ts';
import {
  beginState,
  changeableState,
  holdLoop,
  isChild,
  look,
  noteResultWait,
  openState,
  releaseLoop,
  startedState,
  stateOf,
  summaryOf,
  timeoutOf,
  titleOf,
} from './child-state.ts';
import { trackChild } from './children.ts';
import type { Launch } from './launch.ts';
import { checkOrigin } from './origin.ts';
import { checkPlace } from './place.ts';
import type { Target, TargetFunction } from './target.ts';
import { checkTarget, referenceToTarget } from './target.ts';

/** Options of a Process and of a Thread. */
export interface ChildOptions<Result, Args extends readonly unknown[]> {
  /**
   * The function that the child runs. It must be exported from its module, or be given as `{
   * module, export }`. Not needed if a subclass overrides `run`.
   */
  target?: Target<Result, Args> | undefined;
  /**
   * Arguments of the target: anything that structured clone copies, and shared objects, even inside
   * other objects.
   */
  args?: NoInfer<Args> | undefined;
  /** The child's name, shown in messages and as the owner of locks. */
  name?: string | undefined;
  /** Whether the child is killed when its parent ends. By default the parent waits for it. */
  daemon?: boolean | undefined;
}

/** Fields of an EventEmitter, which stay here when an object's own fields go to the child. */
const EMITTER_FIELDS = new Set(['_events', '_eventsCount', '_maxListeners', 'domain']);

export abstract class Child<
  Result = unknown,
  Args extends readonly unknown[] = readonly unknown[],
> extends EventEmitter {
  protected constructor(
    kind: ChildKind,
    defaults: { name: string; daemon: boolean },
    options: ChildOptions<Result, Args>,
    launch: Launch,
  ) {
    super();
    checkOptions(kind, options);
    checkKnown(kind, options, kind);
    const { target, args, name = defaults.name, daemon = defaults.daemon } = options;
    beginState(this, { kind, launch, target, cargo: args ?? [], name, daemon, isSelf: false });
  }

  /**
   * Runs in the child, and calls the target with the arguments. A subclass may override it; then it
   * needs no target.
   */
  run(): unknown {
    const state = stateOf(this);
    if (typeof state.target !== 'function') {
      throw new StateError(
        `${titleOf(state)}: can't run here, it has no target function; override run(), or call start()`,
      );
    }
    return (state.target as TargetFunction)(...(state.cargo as unknown[]));
  }

  /**
   * Starts the child. Returns immediately; the child runs in parallel.
   *
   * Throws `StateError` if it was started before, or in a daemon process, which may not have
   * children. Throws `StateError`, too, if a child repeats the code of the program and so would
   * start children endlessly. Throws `TargetError` if the child could not find the target; the
   * message says what to write. Throws `NotSendableError` if an argument can't be sent; the message
   * says which. Throws `PlatformError` if the system refuses, or if Lockstep itself is in a bundle
   * or a single executable, from which it can't start children.
   */
  start(): void {
    const state = openState(this);
    const title = titleOf(state);
    if (state.isSelf || state.running !== undefined) {
      throw new StateError(
        `${title}: can't be started, it was started before; make a new ${state.kind} for each run`,
      );
    }
    checkOrigin(title);
    // Find the target before anything is started.
    const isMethod = this.run !== Child.prototype.run;
    checkPlace(state.kind, title, isMethod || typeof state.target === 'function');
    const target = referenceToTarget(isMethod ? this.constructor : state.target, title, isMethod);
    if (isMethod) state.cargo = ownFields(this);
    const { name, daemon, cargo } = state;
    if (CHECKS_ARGUMENTS) warnOfLosses(cargo, `${title}:`, isMethod ? 'this' : 'args');
    // Start it, and watch its end.
    state.origin = noteOrigin();
    state.running = state.launch({
      title,
      name,
      daemon,
      target,
      isMethod,
      cargo,
      onEnd: () => {
        look(this);
        this.emit('exit', state.exitCode);
      },
    });
    if (daemon) state.running.keepAlive(false);
    // Register the child for sentinels and for the exit.
    noteSentinel(state.sentinel.signal, () => look(this));
    trackChild(this);
  }

  /**
   * Waits until the child has ended; the event loop keeps running. Resolves to `true`, or to
   * `false` at the timeout. May be called any number of times.
   *
   * @param within milliseconds, or `{ timeout }` as other waits take it; 0 or less looks once;
   *   by default the wait has no limit
   */
  async join(within?: number | { readonly timeout?: number | undefined }): Promise<boolean> {
    const timeout = timeoutOf(this, within);
    const { state, running } = startedState(this, 'join');
    if (look(this)) return servedAtOnce(true);
    if (timeout !== undefined && timeout <= 0) return servedAtOnce(false);
    // Keep the event loop running until the child has ended.
    holdLoop(state, running);
    const endRecord = noteJoin(state.kind === 'Process' ? running.id : -running.id, timeout !== undefined);
    return new Promise<boolean>((resolve) => {
      const finish = (ended: boolean): void => {
        cancel?.();
        endRecord();
        state.onSettled.delete(onSettled);
        releaseLoop(state, running);
        resolve(ended);
      };
      const onSettled = (): void => finish(true);
      const cancel = timeout === undefined ? undefined : afterMilliseconds(timeout, () => finish(look(this)));
      state.onSettled.add(onSettled);
    });
  }

  /**
   * As `join`, but *blocks* this thread.
   *
   * @param within milliseconds, or `{ timeout }` as other waits take it; 0 or less looks once;
   *   by default the wait has no limit
   */
  joinSync(within?: number | { readonly timeout?: number | undefined }): boolean {
    const timeout = timeoutOf(this, within);
    const { running } = startedState(this, 'join');
    if (look(this)) return true;
    if (timeout !== undefined && timeout <= 0) return false;
    running.block(timeout === undefined ? Deadline.NEVER : Deadline.from({ timeout }));
    return look(this);
  }

  /**
   * Whether the child was started and has not ended. The answer is up to date even if the event
   * loop has not run.
   */
  isAlive(): boolean {
    const state = openState(this);
    return state.isSelf || (state.running !== undefined && !look(this));
  }

  /**
   * Ends the child: a process by SIGTERM, a thread at its next step, or as soon as its modules are
   * loaded. The child runs no `finally` block and no exit listener. Returns immediately.
   */
  terminate(): void {
    const { running } = startedState(this, 'terminate');
    if (!look(this)) running.stop('terminate');
  }

  /** Kills the child: a process by SIGKILL, which it can't catch; a thread as `terminate` does. */
  kill(): void {
    const { running } = startedState(this, 'kill');
    if (!look(this)) running.stop('kill');
  }

  /**
   * Frees the resources of a child that has ended or was never started. Afterwards only `name`,
   * `daemon` and `result` can be used. Idempotent. Throws `StateError` while the child runs.
   */
  close(): void {
    const state = stateOf(this);
    if (state.closed) return;
    if (this.isAlive()) {
      throw new StateError(
        `${titleOf(state)}: can't be closed, it is still running; join it first, or terminate it`,
      );
    }
    state.closed = true;
  }

  /** A line with class, name and state, such as `<Process "worker" (pid 4121) running>`. */
  override toString(): string {
    return readable(() => summaryOf(this)) as string;
  }

  /** The child's name. Can be changed before `start()`. */
  get name(): string {
    return stateOf(this).name;
  }

  set name(name: string) {
    checkOptions(stateOf(this).kind, { name });
    changeableState(this, 'name').name = name;
  }

  /** Whether the child is killed when its parent ends. Can be changed before `start()`. */
  get daemon(): boolean {
    return stateOf(this).daemon;
  }

  set daemon(daemon: boolean) {
    checkOptions(stateOf(this).kind, { daemon });
    changeableState(this, 'daemon').daemon = daemon;
  }

  /**
   * `null` until the child has ended; then its exit code. If signal n killed the process, it is -n.
   */
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
   * The value that the target returned, once the child has ended. Rejects with the error that it
   * threw, or with `WorkerDiedError` when it ended without either. You may ignore it: it never
   * counts as an unhandled rejection.
   */
  get result(): Promise<Awaited<Result>> {
    const state = stateOf(this);
    // Code that reads the result of a daemon wants to wait for it, so the event loop must stay
    // alive.
    if (state.exitCode === null && state.running !== undefined) {
      state.running.keepAlive(true);
      noteResultWait(state, state.running);
    }
    return state.result.promise as Promise<Awaited<Result>>;
  }
}

showAs(Child);

// A misspelt `daemon` would be an unused property.
const family = {
  isOne: isChild,
  // Process and Thread extend it, classes of the program extend those.
  isOurs: (object: object): boolean =>
    Object.getPrototypeOf(Object.getPrototypeOf(object)) === Child.prototype,
  titleOf: (object: object): string => titleOf(stateOf(object)),
  holdsOthers: true,
};
endStrictly(Child.prototype, family);
refuseReadOnly(Child.prototype, family);

/** Process id or thread id of a started child; `null` before. */
export function idOf(child: object): number | null {
  return openState(child).running?.id ?? null;
}

export function isSelf(child: object): boolean {
  return stateOf(child).isSelf;
}

/** The fields that a subclass has given the object. */
function ownFields(child: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(child).filter(([key]) => !EMITTER_FIELDS.has(key)));
}

function checkOptions(kind: ChildKind, options: object): void {
  if (options === null || typeof options !== 'object') {
    throw new InvalidTypeError(
      `${kind}: refused, its options are ${inspect(options)}; pass an object such as { target, args: [] }`,
    );
  }
  const { name, daemon, args, target } = options as Record<string, unknown>;
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new InvalidTypeError(
      `${kind}: refused, its name is ${inspect(name)}; pass a string that is not empty`,
    );
  }
  if (daemon !== undefined && typeof daemon !== 'boolean') {
    throw new InvalidTypeError(`${kind}: refused, daemon is ${inspect(daemon)}; pass true or false`);
  }
  if (args !== undefined && !Array.isArray(args)) {
    throw new InvalidTypeError(
      `${kind}: refused, args is ${inspect(args, { depth: 0 })}; pass an array of arguments`,
    );
  }
  checkTarget(kind, target);
}
