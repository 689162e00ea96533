/**
 * Kinds: what each kind of object is called, how it is read, and which other cells belong to it.
 */

import type { Describe } from '../agents/facts.ts';
import { CELL_BODY, KIND } from '../memory/layout.ts';
import { describeChannel, describeGate } from '../messaging/ring/channel-facts.ts';
import { describeBarrier } from '../sync/barrier/barrier-facts.ts';
import { describeCondition } from '../sync/condition/condition-facts.ts';
import { describeEvent } from '../sync/event-facts.ts';
import { describeLatch } from '../sync/latch-facts.ts';
import { describeLock, describeRLock } from '../sync/lock/lock-facts.ts';
import { describeRWLock } from '../sync/rwlock/rwlock-facts.ts';
import { describeBoundedSemaphore, describeSemaphore } from '../sync/semaphore/semaphore-facts.ts';

export interface KindSeen {
  readonly name: string;
  readonly describe: Describe;
  /**
   * Words that name other cells, number and generation, which are part of this object; and as what.
   */
  readonly parts?: readonly (readonly [word: number, role: string])[];
}

const GUARD = [[CELL_BODY + 2, 'lock']] as const;
const plain: Describe = () => ({ holders: [], endedBy: 'anybody', state: {} });
const data = (name: string): KindSeen => ({ name, describe: plain, parts: GUARD });
const queue = (name: string): KindSeen => ({
  name,
  describe: describeChannel,
  parts: [
    [CELL_BODY + 2, 'put lock'],
    [CELL_BODY + 4, 'room'],
  ],
});

export const KINDS: ReadonlyMap<number, KindSeen> = new Map<number, KindSeen>([
  [KIND.LOCK, { name: 'Lock', describe: describeLock }],
  [KIND.RLOCK, { name: 'RLock', describe: describeRLock }],
  [KIND.SEMAPHORE, { name: 'Semaphore', describe: describeSemaphore }],
  [KIND.BOUNDED_SEMAPHORE, { name: 'BoundedSemaphore', describe: describeBoundedSemaphore }],
  [KIND.CONDITION, { name: 'Condition', describe: describeCondition, parts: GUARD }],
  [KIND.EVENT, { name: 'Event', describe: describeEvent }],
  [KIND.BARRIER, { name: 'Barrier', describe: describeBarrier }],
  [KIND.VALUE, data('Value')],
  [KIND.RWLOCK, { name: 'RWLock', describe: describeRWLock }],
  [KIND.LATCH, { name: 'Latch', describe: describeLatch }],
  [KIND.SHARED_ARRAY, data('SharedArray')],
  [KIND.SHARED_MEMORY, { name: 'SharedMemory', describe: plain }],
  [KIND.SHAREABLE_LIST, { name: 'ShareableList', describe: plain }],
  [KIND.PIPE, queue('Pipe')],
  [KIND.QUEUE, queue('Queue')],
  [KIND.JOINABLE_QUEUE, queue('JoinableQueue')],
  [KIND.SIMPLE_QUEUE, queue('SimpleQueue')],
  [KIND.RECORD, data('Record')],
  [KIND.RECORD_ARRAY, data('RecordArray')],
  [
    KIND.GATE,
    {
      name: 'Gate',
      describe: describeGate,
      parts: [
        [CELL_BODY + 2, 'join'],
        [CELL_BODY + 4, 'producers'],
      ],
    },
  ],
  [KIND.CONNECTION, { name: 'Connection', describe: plain }],
  [KIND.QUEUE_PRODUCER, { name: 'QueueProducer', describe: plain }],
]);
