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
} from 'lockstep';

/** `here`: in the test's own process, at a seat that the backend makes (`join`). */
export type Kind = 'process' | 'thread' | 'here';
export type Style = 'blocking' | 'awaiting';

/** Begins the reason of a case that is not about the awaiting half at all. */
export const BEYOND = 'not of the awaiting half: ';
/** Then names what the case needs. */
export const NOT_IN_CONTRACT = 'contracts.ts has no ';
/** The reason of a case that would run, where cases are only listed. */
export const LISTED = 'listed';

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
  /** The identity of its owner. */
  readonly owner: unknown;
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
  /** Identities of those inside an RWLock. */
  readonly readers: readonly unknown[];
  readonly writer: unknown;
  readonly count: number;
  readonly size: number;
  readonly full: boolean;
  readonly empty: boolean;
  readonly closed: boolean;
  readonly unfinished: number;
}

/** One that uses the objects: the test's process, or an actor. */
export interface Party {
  /** What objects name as their owner while this one holds them. */
  readonly identity: unknown;
  /** What messages call it. */
  readonly name: string;
  look(object: object): Awaitable<Look>;
  open(reference: string): Awaitable<object>;
  /** Ends the use of the object by this party. */
  close(object: object): Awaitable<void>;
}

/** A party in the test's own process, which may go silent or be gone as a process may. */
export interface Seat extends Party {
  /** It looks at nothing until `thaw`, as a stopped process does. Its lease is renewed. */
  freeze(): void;
  thaw(): void;
  /** It is gone, and has released nothing. */
  die(): void;
  /** It lets go of what keeps this process alive; also after it died. */
  end(): Promise<void>;
}

export interface Backend {
  /** Comes before the flavour in titles; empty for shared memory. */
  readonly name: string;
  readonly flavours: readonly Flavour[];
  readonly make: Make;
  /** A string by which an actor opens the object; `undefined` for what is none of its objects. */
  refer(value: unknown): string | undefined;
  /** This process or thread. */
  readonly self: Party;
  /** Makes a seat for an actor in this process; only where roles are `here`. */
  join?(): Promise<Seat>;
  /** Whether its objects have the members and options that contracts.ts has not. */
  readonly isWhole: boolean;
  /** How many times fewer rounds long cases make, because each takes a round trip. */
  readonly slower: number;
  /** Why the case is left out here, if it is. */
  omits(contract: string, sentence: string): string | undefined;
}
