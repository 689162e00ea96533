/** The objects of this package: in shared memory, for processes and threads that block or await. */

import { threadId } from 'node:worker_threads';
import {
  type AsyncLock,
  Barrier,
  BoundedSemaphore,
  Condition,
  currentProcess,
  currentThread,
  Event,
  JoinableQueue,
  Latch,
  Lock,
  openShared,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  Value,
} from 'lockstep';
import { isSharedObject, type SharedObject } from '../wire.ts';
import type { Backend, Flavour, Look, Party } from './backend.ts';

export const FLAVOURS: readonly Flavour[] = [
  { name: 'processes, blocking', roles: [{ kind: 'process', style: 'blocking' }] },
  { name: 'processes, awaiting', roles: [{ kind: 'process', style: 'awaiting' }] },
  { name: 'threads, blocking', roles: [{ kind: 'thread', style: 'blocking' }] },
  { name: 'threads, awaiting', roles: [{ kind: 'thread', style: 'awaiting' }] },
  {
    name: 'mixed',
    roles: [
      { kind: 'process', style: 'blocking' },
      { kind: 'thread', style: 'awaiting' },
      { kind: 'process', style: 'awaiting' },
      { kind: 'thread', style: 'blocking' },
    ],
  },
];

/** Members that are read beside `describe()`, of objects that have them. */
const MEMBERS = ['locked', 'owner', 'depth', 'recovered', 'full', 'empty'] as const;

const self: Party = {
  get identity() {
    return { pid: process.pid, threadId, name: this.name };
  },
  get name() {
    return threadId === 0 ? currentProcess().name : currentThread().name;
  },
  look(object) {
    const look: Record<string, unknown> = { ...(object as SharedObject).describe() };
    for (const member of MEMBERS) if (member in object) look[member] = Reflect.get(object, member);
    return look as unknown as Look;
  },
  open: (reference) => openShared(reference),
  close: (object) => (object as SharedObject).close(),
};

export const backend: Backend = {
  name: '',
  flavours: FLAVOURS,
  make: {
    lock: () => new Lock(),
    rlock: () => new RLock(),
    semaphore: (permits) => (permits === undefined ? new Semaphore() : new Semaphore(permits)),
    boundedSemaphore: (permits) =>
      permits === undefined ? new BoundedSemaphore() : new BoundedSemaphore(permits),
    condition: (lock?: AsyncLock) => new Condition(lock as Lock | RLock | undefined),
    event: () => new Event(),
    barrier: (parties, options) => new Barrier(parties, options),
    rwlock: (options) => new RWLock(options),
    latch: (count) => new Latch(count),
    value: (initial) => new Value('i32', initial),
    queue: (options) => new Queue(options),
    joinableQueue: () => new JoinableQueue(),
  },
  self,
  isWhole: true,
  slower: 1,
  refer: (value) => (isSharedObject(value) ? value.handle : undefined),
  omits: () => undefined,
};
