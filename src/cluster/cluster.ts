/** Cluster: a connection to a store, and the objects of its namespace. */

import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { InvalidTypeError, LockstepError, NameError, OutOfRangeError, StoreError } from '../errors.ts';
import { showAsText } from '../readable.ts';
import { Bells } from './bells.ts';
import { Calls } from './calls.ts';
import type { ClusterBarrierOptions } from './objects/barrier.ts';
import { ClusterBarrier } from './objects/barrier.ts';
import { ClusterCondition } from './objects/condition.ts';
import type { Core } from './objects/core.ts';
import { ClusterEvent, ClusterLatch } from './objects/gates.ts';
import { ClusterLock, ClusterRLock, lockPlaces } from './objects/lock.ts';
import { ClusterPool } from './objects/pool.ts';
import type { ClusterQueueOptions } from './objects/queue.ts';
import { ClusterJoinableQueue, ClusterQueue } from './objects/queue.ts';
import { ClusterRWLock } from './objects/rwlock.ts';
import { ClusterBoundedSemaphore, ClusterSemaphore, semaphorePlaces } from './objects/semaphore.ts';
import { Stays } from './objects/stays.ts';
import { ClusterValue } from './objects/value.ts';
import type { ClusterState } from './session.ts';
import { Session } from './session.ts';
import type { Store } from './store.ts';
import { Unreachable } from './store.ts';
import type { Jobs } from './stores/bullmq.ts';

export interface ClusterOptions {
  /** Names are looked up in it; default `"default"`. */
  namespace?: string | undefined;
  /** Milliseconds that a dead process's holds stand; from 500, default 10,000. */
  lease?: number | undefined;
  /** Milliseconds in which a waiter has to take what it is offered; default 250. */
  claim?: number | undefined;
}

interface ClusterEvents {
  /** The server answers; also after an outage. */
  connected: [];
  /** The connection is down. Holds stay valid until their lease ends. */
  suspended: [reason: LockstepError];
  /** The lease is lost: all holds of this connection are invalid. */
  lost: [reason: LockstepError];
}

/** Finds the jobs of a pool. */
type FindJobs = (name: string) => Promise<Jobs>;

const LEASE_MS = 10_000;
const LEAST_LEASE_MS = 500;
const CLAIM_MS = 250;
const MOST_NAME = 200;

export class Cluster extends EventEmitter<ClusterEvents> {
  private readonly core: Core;
  private readonly store: Store;
  private readonly jobs: FindJobs | undefined;
  private readonly pools = new Set<ClusterPool>();
  private closing: Promise<void> | undefined;

  private constructor(store: Store, lease: number, claim: number, jobs: FindJobs | undefined) {
    super();
    this.store = store;
    this.jobs = jobs;
    const bells = new Bells();
    const session = new Session(store, lease, bells, {
      state: (state, reason) => {
        if (state === 'connected') this.emit('connected');
        else this.emit(state, this.coded(reason));
      },
      rung: (key, fresh) => {
        if (fresh !== undefined) this.core.calls.lanes.learn(key, fresh);
      },
      back: () => this.core.calls.repeat(),
    });
    const calls = new Calls(store, session, claim);
    this.core = { calls, session, bells, stays: new Stays(calls), holds: new Map() };
  }

  /** @internal Opens a session at the store. */
  static async over(
    store: Store,
    { lease = LEASE_MS, claim = CLAIM_MS }: ClusterOptions,
    jobs?: FindJobs,
  ): Promise<Cluster> {
    checkTimes({ lease, claim });
    const cluster = new Cluster(store, lease, claim, jobs);
    try {
      await cluster.core.session.open();
    } catch (error) {
      await store.end();
      if (!(error instanceof Unreachable)) throw error;
      throw new StoreError(
        `connect: ${store.title} can't be reached, ${error.message}; start it, or check its URL`,
        { cause: error },
      );
    }
    return cluster;
  }

  /** One line on where it is connected, and how. */
  override toString(): string {
    return `<Cluster over ${this.store.title} ${this.state}, session ${this.session}>`;
  }

  /** The state of the connection to the server. */
  get state(): ClusterState {
    return this.core.session.state;
  }

  /** The id of the present session, with pid and host; another one after each loss. */
  get session(): string {
    return this.core.session.id;
  }

  /** A lock. Any number of objects may stand for the same name. */
  lock(name: string): ClusterLock {
    return new ClusterLock(lockPlaces(this.core, 'Lock', checkName('Lock', name)));
  }

  /** A lock that its owner may take again. */
  rlock(name: string): ClusterRLock {
    return new ClusterRLock(lockPlaces(this.core, 'RLock', checkName('RLock', name)));
  }

  /** A count of permits without owners, `value` at first. */
  semaphore(name: string, value = 1): ClusterSemaphore {
    return new ClusterSemaphore(semaphorePlaces(this.core, 'Semaphore', checkName('Semaphore', name), value));
  }

  /** `value` permits whose holders have a lease. */
  boundedSemaphore(name: string, value = 1): ClusterBoundedSemaphore {
    const checked = checkName('BoundedSemaphore', name);
    return new ClusterBoundedSemaphore(semaphorePlaces(this.core, 'BoundedSemaphore', checked, value));
  }

  /** A condition on `lock`, by default on an RLock of its own. */
  condition(name: string, lock?: ClusterLock): ClusterCondition {
    checkName('Condition', name);
    if (lock !== undefined && !(lock instanceof ClusterLock)) {
      throw new InvalidTypeError(
        `Condition ${JSON.stringify(name)}: refused, its lock is ${inspect(lock)}; pass a lock of this cluster, or nothing`,
      );
    }
    return new ClusterCondition(name, lock ?? new ClusterRLock(lockPlaces(this.core, 'Condition', name)));
  }

  /** A flag, not set at first. */
  event(name: string): ClusterEvent {
    return new ClusterEvent(this.core, checkName('Event', name));
  }

  /** A meeting point for so many parties. */
  barrier(name: string, parties: number, options: ClusterBarrierOptions = {}): ClusterBarrier {
    return new ClusterBarrier(this.core, checkName('Barrier', name), parties, options);
  }

  rwlock(name: string): ClusterRWLock {
    return new ClusterRWLock(this.core, checkName('RWLock', name));
  }

  /** A count that goes down to zero once. */
  latch(name: string, count: number): ClusterLatch {
    return new ClusterLatch(this.core, checkName('Latch', name), count);
  }

  /** A number, `initial` at first. */
  value(name: string, initial = 0): ClusterValue {
    return new ClusterValue(this.core, checkName('Value', name), initial);
  }

  /** Items from many to many: taken for good by `get`, or until `ack` by `receive`. */
  queue<Item = unknown>(name: string, options: ClusterQueueOptions = {}): ClusterQueue<Item> {
    return new ClusterQueue<Item>(this.core, checkName('Queue', name), options);
  }

  /** A queue whose items are reported done. */
  joinableQueue<Item = unknown>(name: string, options: ClusterQueueOptions = {}): ClusterJoinableQueue<Item> {
    return new ClusterJoinableQueue<Item>(this.core, checkName('JoinableQueue', name), options);
  }

  /**
   * Functions that run on whichever machines serve them. BullMQ 6 carries the tasks: `npm install
   * bullmq`, and `ioredis` or `pg`. Throws `StoreError` over the memory store.
   */
  pool(name: string): ClusterPool {
    const checked = checkName('Pool', name);
    const { jobs } = this;
    if (jobs === undefined) {
      throw new StoreError(
        `Pool ${JSON.stringify(name)}: can't be made, ${this.store.title} carries no tasks; connect to Redis or PostgreSQL`,
      );
    }
    const pool = new ClusterPool(checked, this.core.session.leaseMs, () => jobs(checked));
    this.pools.add(pool);
    return pool;
  }

  /** Releases all holds, ends the session, and lets the connection go. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The reason of a state, as an error with a code. */
  private coded(reason: Error | undefined): LockstepError {
    if (reason instanceof LockstepError) return reason;
    const why = reason?.message.replace(`${this.store.title} `, 'it ') ?? 'it has not answered';
    return new StoreError(
      `cluster: ${this.store.title} can't be reached, ${why}; it is retried until it answers`,
      { cause: reason },
    );
  }

  private async end(): Promise<void> {
    const { core, store } = this;
    await Promise.all([...this.pools].map((pool) => pool.close()));
    if (core.session.state === 'connected') {
      const holds = [...core.holds.values()].flat();
      // A hold that can't be released ends with the session.
      await Promise.allSettled([core.stays.giveUpAll(), ...holds.map((hold) => hold.release())]);
    }
    await core.session.close();
    await store.end();
  }
}

function checkName(kind: string, name: unknown): string {
  if (typeof name !== 'string')
    throw new InvalidTypeError(`${kind}: refused, its name is ${inspect(name)}; pass a string`);
  if (name.length > 0 && Buffer.byteLength(name) <= MOST_NAME && !/\p{Cc}/u.test(name)) return name;
  throw new NameError(
    `${kind}: refused, ${inspect(name)} can't be a name; use 1 to ${MOST_NAME} bytes without control characters`,
  );
}

/** Throws if the times are out of range. */
export function checkTimes({ lease = LEASE_MS, claim = CLAIM_MS }: ClusterOptions): void {
  checkMs('lease', lease, LEAST_LEASE_MS);
  checkMs('claim', claim, 1);
}

function checkMs(what: string, value: unknown, least: number): void {
  if (typeof value !== 'number')
    throw new InvalidTypeError(`connect: refused, ${what} is ${inspect(value)}; pass milliseconds`);
  if (value >= least && value <= 2 ** 31 - 1) return;
  throw new OutOfRangeError(
    `connect: refused, ${what} is ${value}; pass from ${least} to ${2 ** 31 - 1} milliseconds`,
  );
}

showAsText(Cluster);
