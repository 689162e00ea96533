/**
 * All kinds of objects. Every entry point of the library loads this list, so that each program can
 * recover every object that it meets. Never reuse a number: programs of other versions read it.
 */

import type { Kind } from '../agents/kinds.ts';
import { listKinds } from '../agents/kinds.ts';
import { ENTRIES_KIND } from '../agents/wait-table.ts';
import { CONNECTION_KIND, PIPE_KIND } from '../messaging/connection.ts';
import { JOINABLE_QUEUE_KIND } from '../messaging/joinable-queue.ts';
import { QUEUE_KIND } from '../messaging/queue.ts';
import { QUEUE_PRODUCER_KIND } from '../messaging/queue-producer.ts';
import { GATE_KIND } from '../messaging/ring/channel.ts';
import { SIMPLE_QUEUE_KIND } from '../messaging/simple-queue.ts';
import { LINK_KIND } from '../objects/extra-words.ts';
import { RAW_ARRAY_KIND } from '../shared/raw-array.ts';
import { RAW_VALUE_KIND } from '../shared/raw-value.ts';
import { RECORD_ARRAY_KIND } from '../shared/record-array.ts';
import { SHAREABLE_LIST_KIND } from '../shared/shareable-list.ts';
import { SHARED_ARRAY_KIND } from '../shared/shared-array.ts';
import { SHARED_KIND } from '../shared/shared-constant.ts';
import { SHARED_MEMORY_KIND } from '../shared/shared-memory.ts';
import { RECORD_KIND } from '../shared/struct.ts';
import { VALUE_KIND } from '../shared/value.ts';
import { BARRIER_KIND } from '../sync/barrier/barrier.ts';
import { CONDITION_KIND } from '../sync/condition/condition.ts';
import { EVENT_KIND } from '../sync/event.ts';
import { LATCH_KIND } from '../sync/latch.ts';
import { LOCK_KIND } from '../sync/lock/lock.ts';
import { RLOCK_KIND } from '../sync/lock/rlock.ts';
import { RWLOCK_KIND } from '../sync/rwlock/rwlock.ts';
import { BOUNDED_SEMAPHORE_KIND } from '../sync/semaphore/bounded-semaphore.ts';
import { SEMAPHORE_KIND } from '../sync/semaphore/semaphore.ts';

export const KINDS: readonly Kind[] = [
  ENTRIES_KIND,
  LINK_KIND,
  LOCK_KIND,
  RLOCK_KIND,
  SEMAPHORE_KIND,
  BOUNDED_SEMAPHORE_KIND,
  CONDITION_KIND,
  EVENT_KIND,
  BARRIER_KIND,
  VALUE_KIND,
  RAW_VALUE_KIND,
  RWLOCK_KIND,
  LATCH_KIND,
  SHARED_ARRAY_KIND,
  RAW_ARRAY_KIND,
  SHARED_MEMORY_KIND,
  SHAREABLE_LIST_KIND,
  SHARED_KIND,
  PIPE_KIND,
  QUEUE_KIND,
  JOINABLE_QUEUE_KIND,
  SIMPLE_QUEUE_KIND,
  RECORD_KIND,
  RECORD_ARRAY_KIND,
  GATE_KIND,
  CONNECTION_KIND,
  QUEUE_PRODUCER_KIND,
];

listKinds(KINDS);
