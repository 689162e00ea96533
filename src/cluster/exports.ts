/** The exports that `lockstep/cluster` and `lockstep/memory` share, besides `connect`. */

export type {
  AsyncAcquirable,
  AsyncBarrier,
  AsyncCondition,
  AsyncEvent,
  AsyncHold,
  AsyncJoinableQueue,
  AsyncLatch,
  AsyncLock,
  AsyncQueue,
  AsyncRWLock,
  AsyncRWLockSide,
  AsyncSemaphore,
  AsyncValue,
  Awaitable,
  TimedWaitOptions,
  UntimedWaitOptions,
} from '../contracts.ts';
export type { DeadlockPolicy, WaitOptions } from '../deadline.ts';
export * from '../errors.ts';
export type { ClusterOptions } from './cluster.ts';
export { Cluster } from './cluster.ts';
export type { ClusterBarrierDescription, ClusterBarrierOptions } from './objects/barrier.ts';
export { ClusterBarrier } from './objects/barrier.ts';
export { ClusterHold } from './objects/cluster-hold.ts';
export type { ClusterConditionDescription } from './objects/condition.ts';
export { ClusterCondition } from './objects/condition.ts';
export { ClusterDelivery } from './objects/delivery.ts';
export { ClusterEvent, ClusterLatch } from './objects/gates.ts';
export type { ClusterLockDescription } from './objects/lock.ts';
export { ClusterLock, ClusterRLock } from './objects/lock.ts';
export type {
  ClusterMapOptions,
  ClusterPoolDescription,
  ClusterService,
  ClusterStreamOptions,
  ServeOptions,
} from './objects/pool.ts';
export { ClusterPool } from './objects/pool.ts';
export type { ClusterTaskOptions } from './objects/pool-calls.ts';
export type { ClusterFunctions, ClusterTarget } from './objects/pool-task.ts';
export type { ClusterQueueDescription, ClusterQueueOptions, ReceiveOptions } from './objects/queue.ts';
export { ClusterJoinableQueue, ClusterQueue } from './objects/queue.ts';
export type { ClusterRWLockDescription } from './objects/rwlock.ts';
export { ClusterRWLock, ClusterRWLockSide } from './objects/rwlock.ts';
export type { ClusterSemaphoreDescription } from './objects/semaphore.ts';
export { ClusterBoundedSemaphore, ClusterSemaphore } from './objects/semaphore.ts';
export type { GuardOptions } from './objects/value.ts';
export { ClusterValue } from './objects/value.ts';
export type { ClusterState } from './session.ts';
