/** The public API. Only this file re-exports. */

import './kinds/all.ts';

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
  Hold,
  Lockable,
  LockOptions,
  ObjectOptions,
  Owner,
  TimedWaitOptions,
  UntimedWaitOptions,
} from './contracts.ts';
export type { DeadlockPolicy, WaitOptions } from './deadline.ts';
export * from './errors.ts';
export type { ConnectionDescription } from './messaging/connection.ts';
export { Connection } from './messaging/connection.ts';
export type { JoinableQueueDescription } from './messaging/joinable-queue.ts';
export { JoinableQueue } from './messaging/joinable-queue.ts';
export type { PipeOptions } from './messaging/pipe.ts';
export { Pipe } from './messaging/pipe.ts';
export { Queue } from './messaging/queue.ts';
export type { QueueDescription, QueueOptions } from './messaging/queue-base.ts';
export type { QueueProducerDescription } from './messaging/queue-producer.ts';
export { QueueProducer } from './messaging/queue-producer.ts';
export { SimpleQueue } from './messaging/simple-queue.ts';
export type { Waitable } from './messaging/wait-any.ts';
export { waitAny, waitAnySync } from './messaging/wait-any.ts';
export { openShared } from './objects/handles.ts';
export type { Description } from './objects/shared-object.ts';
export { asCompleted } from './pool/as-completed.ts';
export type { TaskContext } from './pool/context.ts';
export type { CurrentTask } from './pool/current-task.ts';
export { currentTask, transfer, workerState } from './pool/current-task.ts';
export type { TimeStats } from './pool/histogram.ts';
export type { MapOptions, Progress, StreamOptions } from './pool/map-options.ts';
export type { PoolOptions } from './pool/pool.ts';
export { Pool } from './pool/pool.ts';
export type { CommonPoolOptions, WithInitArgs, WorkerCount } from './pool/pool-options.ts';
export type { CallRest, Fn, Items, PoolTarget, Streamable } from './pool/pool-target.ts';
export type { Range } from './pool/range.ts';
export { range } from './pool/range.ts';
export type { Remote } from './pool/remote.ts';
export type { Results } from './pool/results.ts';
export type {
  PoolStats,
  ReplacementCauses,
  SlowTask,
  StartStats,
  WorkerStats,
} from './pool/statistics.ts';
export type { Task, TaskStatus } from './pool/task.ts';
export type { GroupOptions, TaskGroup } from './pool/task-group.ts';
export type { BroadcastOptions, GeneratorOptions, TaskOptions } from './pool/task-options.ts';
export type { ThreadPoolOptions } from './pool/thread-pool.ts';
export { ThreadPool } from './pool/thread-pool.ts';
export type { ArrayDescription, LengthOrValues, TextInputOf, TextOf } from './shared/array-object.ts';
export type { Elements } from './shared/elements.ts';
export type { GuardedOptions } from './shared/guarding.ts';
export type { ListValue } from './shared/list-items.ts';
export type {
  ElementInputOf,
  ElementOf,
  ElementType,
  InputOf,
  IntegerType,
  NumberOf,
  NumberType,
  SmallIntegerType,
  ViewOf,
} from './shared/number-type.ts';
export { RawArray } from './shared/raw-array.ts';
export { RawValue } from './shared/raw-value.ts';
export type { RecordArrayDescription } from './shared/record-array.ts';
export { RecordArray } from './shared/record-array.ts';
export type { RecordOptions } from './shared/record-object.ts';
export type {
  FieldInputOf,
  FieldOf,
  FieldType,
  PlainFieldOf,
  PlainRecord,
  RecordFields,
  RecordInput,
  Records,
  RecordView,
  Schema,
  StructLike,
} from './shared/record-types.ts';
export type { ShareableListDescription } from './shared/shareable-list.ts';
export { ShareableList } from './shared/shareable-list.ts';
export type { SharedArrayDescription, SharedArrayOptions } from './shared/shared-array.ts';
export { SharedArray } from './shared/shared-array.ts';
export type { SharedDescription } from './shared/shared-constant.ts';
export { Shared } from './shared/shared-constant.ts';
export type { SharedMemoryDescription, SharedMemoryOptions } from './shared/shared-memory.ts';
export { SharedMemory } from './shared/shared-memory.ts';
export type { NumberDescription } from './shared/shared-number.ts';
export type { RecordDescription, RecordMembers, SharedRecord, StructClass } from './shared/struct.ts';
export { struct } from './shared/struct.ts';
export type { ValueDescription, ValueOptions } from './shared/value.ts';
export { Value } from './shared/value.ts';
export type { BarrierDescription, BarrierOptions } from './sync/barrier/barrier.ts';
export { Barrier } from './sync/barrier/barrier.ts';
export type { ConditionDescription } from './sync/condition/condition.ts';
export { Condition } from './sync/condition/condition.ts';
export type { EventDescription } from './sync/event.ts';
export { Event } from './sync/event.ts';
export type { LatchDescription } from './sync/latch.ts';
export { Latch } from './sync/latch.ts';
export { Lock } from './sync/lock/lock.ts';
export type { LockDescription } from './sync/lock/lock-base.ts';
export type { RLockDescription } from './sync/lock/rlock.ts';
export { RLock } from './sync/lock/rlock.ts';
export type { RWLockDescription, RWLockOptions } from './sync/rwlock/rwlock.ts';
export { RWLock } from './sync/rwlock/rwlock.ts';
export type { RWLockSide } from './sync/rwlock/rwlock-side.ts';
export { BoundedSemaphore } from './sync/semaphore/bounded-semaphore.ts';
export { Semaphore } from './sync/semaphore/semaphore.ts';
export type { SemaphoreDescription } from './sync/semaphore/semaphore-base.ts';
export type { ChildOptions } from './workers/child.ts';
export type { ParentProcess } from './workers/current-worker.ts';
export {
  activeChildren,
  cpuCount,
  currentProcess,
  currentThread,
  isMainProcess,
  parentProcess,
} from './workers/current-worker.ts';
export { ThreadLocal } from './workers/local.ts';
export type { ProcessOptions } from './workers/process/process.ts';
export { Process } from './workers/process/process.ts';
export type { WarmOptions } from './workers/process/warm.ts';
export type { Target, TargetModule } from './workers/target.ts';
export type { ThreadOptions } from './workers/thread/thread.ts';
export { Thread } from './workers/thread/thread.ts';
export { Timer } from './workers/timer.ts';
