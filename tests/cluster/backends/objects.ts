/** The objects of the cluster, under the conformance suites. */

import type { AsyncLock } from 'lockstep';
import type { Cluster } from 'lockstep/cluster';
import {
  ClusterBarrier,
  type ClusterBarrierOptions,
  ClusterCondition,
  ClusterJoinableQueue,
  type ClusterLock,
  ClusterQueue,
  ClusterRLock,
  type ClusterRWLock,
} from 'lockstep/cluster';
import * as actions from '../../support/actions.ts';
import type { Look, Make, Party } from '../../support/backends/backend.ts';
import { LISTED } from '../../support/backends/backend.ts';

type Method =
  | 'lock'
  | 'rlock'
  | 'semaphore'
  | 'boundedSemaphore'
  | 'condition'
  | 'event'
  | 'barrier'
  | 'rwlock'
  | 'latch'
  | 'value'
  | 'queue'
  | 'joinableQueue';

/**
 * An object by its method and arguments; a condition's lock and a barrier's action by reference.
 */
type Reference = readonly [method: Method, name: string, ...args: unknown[]];

const ACTIONS = { ...actions } as unknown as Record<string, () => unknown>;
const references = new WeakMap<object, Reference>();
let made = 0;
const fresh = (): string => `${process.pid}-${++made}`;

export function refer(value: unknown): string | undefined {
  const reference = references.get(Object(value));
  return reference && JSON.stringify(reference);
}

/** A connection, as a party of the suites. */
export class ClusterParty implements Party {
  protected readonly cluster: Cluster;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  get identity(): string {
    return this.cluster.session;
  }

  get name(): string {
    return this.cluster.session;
  }

  open(reference: string): object {
    const [method, name, ...args] = JSON.parse(reference) as Reference;
    if (method === 'condition') {
      const [lock] = args as [Reference | undefined];
      return this.condition(name, lock && (this.open(JSON.stringify(lock)) as ClusterLock));
    }
    if (method !== 'barrier') return this.obtain(method, name, ...args);
    const [parties, { action, ...options }] = args as [number, { action?: string }];
    return this.barrier(name, parties, {
      ...options,
      ...(action && { action: ACTIONS[action] }),
    });
  }

  close(): void {}

  async look(object: object): Promise<Look> {
    if (object instanceof ClusterCondition) {
      const { locked, owner } = await object.lock.describe();
      return { ...(await object.describe()), locked, owner, recovered: object.lock.recovered } as never;
    }
    if (object instanceof ClusterBarrier) {
      const stands = await object.describe();
      return { ...stands, waiting: stands.nWaiting } as never;
    }
    if (object instanceof ClusterQueue) {
      const stands = await object.describe();
      const [, , options] = references.get(object)!;
      const { maxSize = 0 } = (options ?? {}) as { maxSize?: number };
      const full = maxSize > 0 && stands.size >= maxSize;
      const unfinished = object instanceof ClusterJoinableQueue ? await object.unfinished : 0;
      return { ...stands, full, empty: stands.size === 0, unfinished } as never;
    }
    const described: object = await (object as ClusterLock).describe();
    const depth = object instanceof ClusterRLock ? object.depth : 0;
    return { ...described, depth, recovered: Reflect.get(object, 'recovered') === true } as never;
  }

  /** Makes objects that nobody else has. */
  get make(): Make {
    return {
      lock: () => this.obtain('lock', fresh()),
      rlock: () => this.obtain('rlock', fresh()),
      semaphore: (permits = 1) => this.obtain('semaphore', fresh(), permits),
      boundedSemaphore: (permits = 1) => this.obtain('boundedSemaphore', fresh(), permits),
      condition: (lock?: AsyncLock) => this.condition(fresh(), lock as ClusterLock | undefined),
      event: () => this.obtain('event', fresh()),
      barrier: (parties, options = {}) => this.barrier(fresh(), parties, options),
      rwlock: (options) => this.obtain<ClusterRWLock>('rwlock', options?.name ?? fresh()),
      latch: (count) => this.obtain('latch', fresh(), count),
      value: (initial) => this.obtain('value', fresh(), initial),
      queue: (options = {}) => this.obtain('queue', fresh(), options),
      joinableQueue: () => this.obtain('joinableQueue', fresh()),
    };
  }

  /** The object of the name, or another that stands for it. */
  private obtain<Made extends object>(method: Method, name: string, ...args: unknown[]): Made {
    const object = (this.cluster[method] as (...args: unknown[]) => object)(name, ...args);
    references.set(object, [method, name, ...args]);
    return object as Made;
  }

  private condition(name: string, lock: ClusterLock | undefined): ClusterCondition {
    const condition = this.cluster.condition(name, lock);
    const over = lock && references.get(lock);
    references.set(condition, over === undefined ? ['condition', name] : ['condition', name, over]);
    return condition;
  }

  /** Each party brings an action of its own: here that of the same name. */
  private barrier(name: string, parties: number, options: ClusterBarrierOptions): ClusterBarrier {
    const barrier = this.cluster.barrier(name, parties, options);
    const { action, ...others } = options;
    const named = Object.entries(ACTIONS).find(([, each]) => each === action)?.[0];
    references.set(barrier, ['barrier', name, parties, { ...others, ...(named && { action: named }) }]);
    return barrier;
  }
}

/** Parts of sentences, with the reason why their cases are left out. */
const OMITTED: readonly (readonly [RegExp, string])[] = [
  [/^A9: .*released by another/, 'only the session that holds can end its lease'],
  [/^CX2 /, 'a permit has a lease, and only the session that holds it can end that'],
  [
    /^DX8 .*aborted before it ran/,
    'the server decides the order: the call was notified first, and its wait gives true',
  ],
  [/^a flow that reads may read again/, 'a hold is not re-entrant: calls are served in order of arrival'],
  [/^to read and then write is refused/, 'who waits for whom is not known across machines'],
];

export function omits(_contract: string, sentence: string): string | undefined {
  const [, reason] = OMITTED.find(([part]) => part.test(sentence)) ?? [];
  return reason ?? (process.env.LOCKSTEP_TEST_LIST === '1' ? LISTED : undefined);
}
