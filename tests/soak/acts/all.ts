/** All acts, in the order in which they are listed in the outcome. */

import type { Act } from '../act.ts';
import { barrierAct } from './barrier.ts';
import { boundedSemaphoreAct } from './bounded-semaphore.ts';
import { conditionAct } from './condition.ts';
import { eventAct } from './event.ts';
import { joinableQueueAct } from './joinable-queue.ts';
import { latchAct } from './latch.ts';
import { lockAct } from './lock.ts';
import { pipeAct } from './pipe.ts';
import { poolAct } from './pool.ts';
import { queueAct } from './queue.ts';
import { rlockAct } from './rlock.ts';
import { rwlockAct } from './rwlock.ts';
import { semaphoreAct } from './semaphore.ts';
import { valueAct } from './value.ts';

export const ACTS: readonly Act[] = [
  lockAct,
  rlockAct,
  semaphoreAct,
  boundedSemaphoreAct,
  conditionAct,
  eventAct,
  barrierAct,
  rwlockAct,
  latchAct,
  valueAct,
  queueAct,
  joinableQueueAct,
  pipeAct,
  poolAct,
];
