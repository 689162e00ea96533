/** Backend: the carrier of the objects of the conformance suites, and the actors that use them. */

import type {
  AsyncBarrier,
  AsyncCondition,
  AsyncEvent,
  AsyncJoinableQueue,
  AsyncLatch,
  AsyncLock,
  AsyncQueue,
  AsyncRWLock,
  AsyncSemaphore,
  AsyncValue,
  Awaitable,
  Owner,
} from 'lockstep';

export type Kind = 'process' | 'thread';
export type Style = 'blocking' | 'awaiting';

export interface Role {
  readonly kind: Kind;
  readonly style: Style;
}

/**
 * A way in which suites are run. Actor i of a stage plays role i, again from the first after the
 * last.
 */
export interface Flavour {
  readonly name: string;
  readonly roles: readonly [Role, ...Role[]];
}

/** Makes objects that nobody else has. */
export interface Make {
  lock(): Awaitable<AsyncLock>;
  rlock(): Awaitable<AsyncLock>;
  semaphore(permits?: number): Awaitable<AsyncSemaphore>;
  boundedSemaphore(permits?: number): Awaitable<AsyncSemaphore>;
  /** Over a lock of its own, which is re-entrant, or a given one. */
  condition(lock?: AsyncLock): Awaitable<AsyncCondition>;
  event(): Awaitable<AsyncEvent>;
  barrier(parties: number, options?: { action?: () => unknown; timeout?: number }): Awaitable<AsyncBarrier>;
  rwlock(options?: { prefer?: 'readers' | 'writers'; name?: string }): Awaitable<AsyncRWLock>;
  latch(count: number): Awaitable<AsyncLatch>;
  value(initial: number): Awaitable<AsyncValue>;
  queue(options?: { maxSize?: number; bytes?: number }): Awaitable<AsyncQueue<unknown>>;
  joinableQueue(): Awaitable<AsyncJoinableQueue<unknown>>;
}

/** The state of an object, as the observer sees it. Each kind has the fields that apply to it. */
export interface Look {
  /** Calls that wait for it; those that wait for room in a queue. */
  readonly waiting: number;
  readonly waitingToPut: number;
  /** Of a lock, and of a condition's lock. */
  readonly locked: boolean;
  readonly owner: Owner | null;
  /** How often the observer has acquired the RLock. */
  readonly depth: number;
  /** Whether the observer holds it, and saw `recovered` because a holder had died inside. */
  readonly recovered: boolean;
  /** The free permits; a Value's number. */
  readonly value: number;
  readonly set: boolean;
  readonly parties: number;
  readonly nWaiting: number;
  readonly broken: boolean;
  readonly readers: readonly Owner[];
  readonly writer: Owner | null;
  readonly count: number;
  readonly size: number;
  readonly full: boolean;
  readonly empty: boolean;
  readonly closed: boolean;
  readonly unfinished: number;
}

export interface Backend {
  /** Comes before the flavour in titles; empty for shared memory. */
  readonly name: string;
  readonly flavours: readonly Flavour[];
  readonly make: Make;
  look(object: object): Awaitable<Look>;
  /** A string by which an actor opens the object; `undefined` for what is none of its objects. */
  refer(value: unknown): string | undefined;
  open(reference: string): Awaitable<object>;
  /** Ends the use of the object by this thread. */
  close(object: object): Awaitable<void>;
  /** Why the case is left out here, if it is. */
  omits(contract: string, sentence: string): string | undefined;
}
