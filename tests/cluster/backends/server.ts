/**
 * The objects of the cluster, under the conformance suites: each actor has a connection of its own
 * to the server that `LOCKSTEP_TEST_SERVER` names.
 */

import { Socket } from 'node:net';
import type { Cluster, ConnectOptions } from 'lockstep/cluster';
import {
  ClusterBarrier,
  type ClusterBoundedSemaphore,
  ClusterCondition,
  type ClusterEvent,
  type ClusterJoinableQueue,
  type ClusterLatch,
  ClusterLock,
  type ClusterQueue,
  ClusterRLock,
  type ClusterRWLock,
  type ClusterSemaphore,
  type ClusterValue,
  connect,
} from 'lockstep/cluster';
import type { Backend, Look, Make } from '../../support/backends/backend.ts';

const url = process.env.LOCKSTEP_TEST_SERVER!;
const port = Number(new URL(url).port);
/** Short, as some cases wait for its end. */
const LEASE_MS = 3_000;

// The connections must not keep an actor alive that has ended; pg makes its sockets by hand.
const connectSocket = Socket.prototype.connect;
const opening = new Set<Socket>();
let connected = false;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  this.once('connect', () => {
    if (this.remotePort !== port) return;
    opening.add(this);
    if (connected) this.unref();
  });
  return (connectSocket as (...args: unknown[]) => Socket).apply(this, args);
} as typeof connectSocket;

const options: ConnectOptions = {
  ...(url.startsWith('postgres') ? { postgres: url } : { redis: url }),
  lease: LEASE_MS,
  namespace: 'conformance',
};
const cluster: Cluster = await connect(options);
connected = true;
for (const socket of opening) socket.unref();

const references = new WeakMap<object, string>();
let made = 0;
const fresh = (): string => `${process.pid}-${++made}`;

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

/** Makes the object of the name, or another that stands for it. */
function obtain<Made extends object>(method: Method, ...args: unknown[]): Made {
  const object = (cluster[method] as (...args: unknown[]) => object)(...args);
  references.set(object, JSON.stringify([method, ...args]));
  return object as Made;
}

const make: Make = {
  lock: () => obtain<ClusterLock>('lock', fresh()),
  rlock: () => obtain<ClusterRLock>('rlock', fresh()),
  semaphore: (permits = 1) => obtain<ClusterSemaphore>('semaphore', fresh(), permits),
  boundedSemaphore: (permits = 1) => obtain<ClusterBoundedSemaphore>('boundedSemaphore', fresh(), permits),
  condition(lock) {
    if (lock === undefined) return obtain<ClusterCondition>('condition', fresh());
    const condition = cluster.condition(fresh(), lock as ClusterLock);
    references.set(condition, JSON.stringify(['condition', condition.name, references.get(lock)]));
    return condition;
  },
  event: () => obtain<ClusterEvent>('event', fresh()),
  barrier: (parties, given) => obtain<ClusterBarrier>('barrier', fresh(), parties, given ?? {}),
  rwlock: (given) => obtain<ClusterRWLock>('rwlock', given?.name ?? fresh()),
  latch: (count) => obtain<ClusterLatch>('latch', fresh(), count),
  value: (initial) => obtain<ClusterValue>('value', fresh(), initial),
  queue: (given) => obtain<ClusterQueue>('queue', fresh(), given ?? {}),
  joinableQueue: () => obtain<ClusterJoinableQueue>('joinableQueue', fresh()),
};

/** Of its own session an actor knows the process. */
function ownerOf(session: string | null): unknown {
  return session === cluster.session ? { pid: process.pid, threadId: 0 } : session;
}

async function look(object: object): Promise<Look> {
  if (object instanceof ClusterCondition) {
    const { locked, owner } = await object.lock.describe();
    const { recovered } = object.lock;
    return { ...(await object.describe()), locked, owner: ownerOf(owner), recovered } as unknown as Look;
  }
  if (object instanceof ClusterBarrier) {
    const stands = await object.describe();
    return { ...stands, waiting: stands.nWaiting } as unknown as Look;
  }
  const described: object = await (object as ClusterLock).describe();
  const depth = object instanceof ClusterRLock ? object.depth : 0;
  const recovered = object instanceof ClusterLock && object.recovered;
  return { ...described, depth, recovered } as unknown as Look;
}

/** Parts of sentences, with the reason why their cases are left out. */
const OMITTED: readonly (readonly [RegExp, string])[] = [
  [/^D39/, 'it compares the owner, which is a session here; cluster/contract has a condition over a lock'],
  [/^D40/, 'it names the owner, which is a session here; cluster/contract has its refusals'],
  [/DX8.*aborted before it ran/, 'the server decides the order: it was notified first, and wait gives true'],
  [
    /names its owner|says who|names the|others wait until it has released three/,
    'an owner is a session of some machine, and no process of this one',
  ],
  [
    /released? by another|may be released by|another releases|two releases that race/,
    'only the session that holds can end its lease',
  ],
  [/prefer/, 'readers and writers are served in the order of coming'],
  [/20,000|12,000|F69/, 'as many round trips; cluster/contract has such a count'],
  [/F72|F73/, 'each party brings an action of its own here; cluster/contract has these cases'],
  [/F85.*name it/, 'a party is a session of some machine, and no process of this one'],
  [
    /NotLockedError|releasing it when it is free throws, also after/,
    'whether another session holds is not asked: it is a NotOwnerError here',
  ],
  [/deadlock|DeadlockError/, 'who waits for whom is not known across machines'],
];

export const backend: Backend = {
  name: url.startsWith('postgres') ? 'PostgreSQL' : 'Redis',
  flavours: [{ name: 'processes, awaiting', roles: [{ kind: 'process', style: 'awaiting' }] }],
  make,
  look,
  refer: (value) => references.get(Object(value)),
  open(reference) {
    const [method, ...args] = JSON.parse(reference) as [Method, ...unknown[]];
    const [name, lock] = args;
    if (method !== 'condition' || typeof lock !== 'string') return obtain(method, ...args);
    const condition = cluster.condition(name as string, backend.open(lock) as ClusterLock);
    references.set(condition, reference);
    return condition;
  },
  close: () => {},
  omits: (_contract, sentence) => OMITTED.find(([part]) => part.test(sentence))?.[1],
};
