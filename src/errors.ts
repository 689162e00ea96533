/**
 * Every error Lockstep throws, each with a stable `code`.
 *
 * Messages follow one formula:
 * `<kind> "<name>": <what was refused>, <why, with values>; <what to do>`. An error object is made
 * fresh for each throw, so its stack is the caller's.
 */

import { cutOwnFrames } from './stacks.ts';

/**
 * Base class of Lockstep's own errors: `instanceof LockstepError` catches all except bad types and
 * ranges.
 */
export class LockstepError extends Error {
  /** Stable identifier, `ERR_LOCKSTEP_…`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    cutOwnFrames(this);
  }

  /** The heading of the documentation that explains this error: a file of the package. */
  get help(): string {
    return helpFor(this.code);
  }
}

function helpFor(code: string): string {
  return `lockstep/docs/reference/errors.md#${code.toLowerCase()}`;
}

/** A value of the wrong type was passed. Code `ERR_LOCKSTEP_INVALID_TYPE`. */
export class InvalidTypeError extends TypeError {
  readonly code = 'ERR_LOCKSTEP_INVALID_TYPE';

  /** The heading of the documentation that explains this error: a file of the package. */
  get help(): string {
    return helpFor(this.code);
  }

  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    cutOwnFrames(this);
  }
}

/** A value of the right type is outside what is allowed. Code `ERR_LOCKSTEP_OUT_OF_RANGE`. */
export class OutOfRangeError extends RangeError {
  readonly code = 'ERR_LOCKSTEP_OUT_OF_RANGE';

  /** The heading of the documentation that explains this error: a file of the package. */
  get help(): string {
    return helpFor(this.code);
  }

  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    cutOwnFrames(this);
  }
}

/** A lock was released that nobody holds. Code `ERR_LOCKSTEP_NOT_LOCKED`. */
export class NotLockedError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_NOT_LOCKED', message, options);
  }
}

/** The operation needs the lock, and the caller does not own it. Code `ERR_LOCKSTEP_NOT_OWNER`. */
export class NotOwnerError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_NOT_OWNER', message, options);
  }
}

/** A bounded semaphore was released above its initial value. Code `ERR_LOCKSTEP_OVER_RELEASE`. */
export class OverReleaseError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_OVER_RELEASE', message, options);
  }
}

/**
 * The barrier is broken: a party timed out, aborted, failed or died. Code
 * `ERR_LOCKSTEP_BROKEN_BARRIER`.
 */
export class BrokenBarrierError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_BROKEN_BARRIER', message, options);
  }
}

/** The object was closed in this thread. Code `ERR_LOCKSTEP_CLOSED`. */
export class ClosedError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_CLOSED', message, options);
  }
}

/** The handle is malformed, or of another kind of object. Code `ERR_LOCKSTEP_HANDLE`. */
export class HandleError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_HANDLE', message, options);
  }
}

/** The handle's object no longer exists. Code `ERR_LOCKSTEP_STALE_HANDLE`. */
export class StaleHandleError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_STALE_HANDLE', message, options);
  }
}

/** A name that can't be used. Code `ERR_LOCKSTEP_NAME`. */
export class NameError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_NAME', message, options);
  }
}

/** The name belongs to an object of another kind. Code `ERR_LOCKSTEP_NAME_TAKEN`. */
export class NameTakenError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_NAME_TAKEN', message, options);
  }
}

/** Nothing of that name exists. Code `ERR_LOCKSTEP_NOT_FOUND`. */
export class NotFoundError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_NOT_FOUND', message, options);
  }
}

/**
 * Shared memory laid out by another version of Lockstep, or not by Lockstep. Code
 * `ERR_LOCKSTEP_LAYOUT`.
 */
export class LayoutError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_LAYOUT', message, options);
  }
}

/** The folder for shared memory is missing, or not safe to use. Code `ERR_LOCKSTEP_FOLDER`. */
export class FolderError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_FOLDER', message, options);
  }
}

/**
 * No room is left for shared memory, or an item is too large for a queue of the cluster. Code
 * `ERR_LOCKSTEP_NO_SPACE`.
 */
export class NoSpaceError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_NO_SPACE', message, options);
  }
}

/** A fixed capacity is used up (agents, cells, wait entries). Code `ERR_LOCKSTEP_EXHAUSTED`. */
export class ExhaustedError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_EXHAUSTED', message, options);
  }
}

/**
 * The native module can't be loaded, or a system call failed unexpectedly. Code
 * `ERR_LOCKSTEP_PLATFORM`.
 */
export class PlatformError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_PLATFORM', message, options);
  }
}

/**
 * Memory can't be shared on this operating system or processor. Code
 * `ERR_LOCKSTEP_UNSUPPORTED_PLATFORM`.
 */
export class UnsupportedPlatformError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_UNSUPPORTED_PLATFORM', message, options);
  }
}

/** A target function can't be found again in the child. Code `ERR_LOCKSTEP_TARGET`. */
export class TargetError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_TARGET', message, options);
  }
}

/**
 * An argument or result can't be sent to another process or thread. Code
 * `ERR_LOCKSTEP_NOT_SENDABLE`.
 */
export class NotSendableError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_NOT_SENDABLE', message, options);
  }
}

/**
 * The call does not fit the worker's state (started twice, joined before start…). Code
 * `ERR_LOCKSTEP_STATE`.
 */
export class StateError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_STATE', message, options);
  }
}

/** A member of a deadlock, that is, of a cycle of waits: see `DeadlockError`. */
export interface DeadlockMember {
  pid: number;
  /** `worker_threads` id within its process; 0 for the main thread. */
  threadId: number;
  /** The process's or thread's name, e.g. `Process-2`. */
  name: string;
  /** The object that it holds, e.g. `Lock "invoices"`. */
  holds: string;
  /** The object that it waits for, which the next member holds. */
  waitsFor: string;
  /** `true` if its thread is blocked, `false` if its event loop runs. */
  blocked: boolean;
  /** The stack at which it took the lock that it holds, if that lock records stacks. */
  stack: string | null;
}

/**
 * The wait would never end: every member of `cycle` waits for an object that the next member holds.
 * The call that would have closed the cycle throws this error, and has acquired nothing. Code
 * `ERR_LOCKSTEP_DEADLOCK`.
 */
export class DeadlockError extends LockstepError {
  /** The members, with what each holds and wants; the first is the caller. */
  readonly cycle: readonly DeadlockMember[];

  constructor(message: string, cycle: readonly DeadlockMember[], options?: ErrorOptions) {
    super('ERR_LOCKSTEP_DEADLOCK', message, options);
    this.cycle = cycle;
    // The message contains the cycle, which should not be printed twice.
    Object.defineProperty(this, 'cycle', { enumerable: false });
  }
}

/** The queue had no room in time. Code `ERR_LOCKSTEP_QUEUE_FULL`. */
export class QueueFullError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_QUEUE_FULL', message, options);
  }
}

/** The queue had no item in time. Code `ERR_LOCKSTEP_QUEUE_EMPTY`. */
export class QueueEmptyError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_QUEUE_EMPTY', message, options);
  }
}

/**
 * The other end of the pipe is gone, and all that it sent was received. Code
 * `ERR_LOCKSTEP_END_OF_STREAM`.
 */
export class EndOfStreamError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_END_OF_STREAM', message, options);
  }
}

/** No thread has the other end of the pipe open. Code `ERR_LOCKSTEP_BROKEN_PIPE`. */
export class BrokenPipeError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_BROKEN_PIPE', message, options);
  }
}

/** A message could not be sent or received in time. Code `ERR_LOCKSTEP_TIMED_OUT`. */
export class TimedOutError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_TIMED_OUT', message, options);
  }
}

/**
 * Facts about a worker that died. Those of a Process or Thread outside of a pool have only some of
 * these members.
 */
export interface WorkerDeath {
  /** Process id, or thread id. */
  pid?: number | undefined;
  /** The exit code, or -n if signal n killed it, as `exitCode` of a Process. */
  exitCode?: number | undefined;
  /** The signal that killed it, e.g. `SIGKILL`. */
  signal?: NodeJS.Signals | undefined;
  /** Whether it probably died because memory ran out. */
  outOfMemory?: boolean | undefined;
  /** How many times the task was started. */
  attempts?: number | undefined;
  /** The function that it ran, and the beginning of its arguments. */
  task?: string | undefined;
}

/** A process or thread ended without a result. Code `ERR_LOCKSTEP_WORKER_DIED`. */
export class WorkerDiedError extends LockstepError implements WorkerDeath {
  declare readonly pid?: number | undefined;
  declare readonly exitCode?: number | undefined;
  declare readonly signal?: NodeJS.Signals | undefined;
  declare readonly outOfMemory?: boolean | undefined;
  declare readonly attempts?: number | undefined;
  declare readonly task?: string | undefined;

  constructor(message: string, options?: ErrorOptions, death?: WorkerDeath) {
    super('ERR_LOCKSTEP_WORKER_DIED', message, options);
    if (death !== undefined) Object.assign(this, death);
  }
}

/**
 * The pool can't run anything: its initializer has failed, its workers can't be started, or its
 * memory is damaged. The reason is the cause. Code `ERR_LOCKSTEP_POOL_BROKEN`.
 */
export class PoolBrokenError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_POOL_BROKEN', message, options);
  }
}

/** A pool's task was not done in time. Code `ERR_LOCKSTEP_TASK_TIMEOUT`. */
export class TaskTimeoutError extends TimedOutError {
  override readonly code: string = 'ERR_LOCKSTEP_TASK_TIMEOUT';
  /** The limit, in milliseconds. */
  readonly limit: number;

  constructor(message: string, limit: number, options?: ErrorOptions) {
    super(message, options);
    this.limit = limit;
  }
}

/**
 * The lease at the cluster's server has ended: other processes may hold the locks now. Code
 * `ERR_LOCKSTEP_LEASE_LOST`.
 */
export class LeaseLostError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_LEASE_LOST', message, options);
  }
}

/** The cluster's server can't be reached, or is not set up for it. Code `ERR_LOCKSTEP_STORE`. */
export class StoreError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_STORE', message, options);
  }
}

/** A write with the token of an earlier holder was refused. Code `ERR_LOCKSTEP_STALE_TOKEN`. */
export class StaleTokenError extends LockstepError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOCKSTEP_STALE_TOKEN', message, options);
  }
}

/** Property of a prototype: the class's name here, in every copy of Lockstep. */
const FAMILY = Symbol.for('lockstep.error');

const FAMILIES = {
  LockstepError,
  InvalidTypeError,
  OutOfRangeError,
  NotLockedError,
  NotOwnerError,
  OverReleaseError,
  BrokenBarrierError,
  ClosedError,
  HandleError,
  StaleHandleError,
  NameError,
  NameTakenError,
  NotFoundError,
  LayoutError,
  FolderError,
  NoSpaceError,
  ExhaustedError,
  PlatformError,
  UnsupportedPlatformError,
  TargetError,
  NotSendableError,
  StateError,
  DeadlockError,
  QueueFullError,
  QueueEmptyError,
  EndOfStreamError,
  BrokenPipeError,
  TimedOutError,
  WorkerDiedError,
  PoolBrokenError,
  TaskTimeoutError,
  LeaseLostError,
  StoreError,
  StaleTokenError,
};

/**
 * Sub-paths of the package have copies of these classes, and so may two versions of it in one
 * program. An error of one copy is an instance of the same class of all others: `instanceof` of a
 * class of this file also recognises an error by its family. Derived classes behave as usual.
 */
function isInstance(this: { prototype: object }, value: unknown): boolean {
  if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(this.prototype, FAMILY)) return false;
  const family: unknown = Reflect.get(this.prototype, FAMILY);
  let prototype = Object.getPrototypeOf(value) as object | null;
  for (; prototype !== null; prototype = Object.getPrototypeOf(prototype) as object | null)
    if (Object.hasOwn(prototype, FAMILY) && Reflect.get(prototype, FAMILY) === family) return true;
  return false;
}

for (const [name, Class] of Object.entries(FAMILIES)) {
  Object.defineProperty(Class.prototype, FAMILY, { value: name });
  // Restore the name of the class, which a bundler may have shortened.
  Object.defineProperty(Class, 'name', { value: name, configurable: true });
}
// All other classes inherit it from these.
for (const Class of [LockstepError, InvalidTypeError, OutOfRangeError])
  Object.defineProperty(Class, Symbol.hasInstance, { value: isInstance });
