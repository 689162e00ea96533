/**
 * Kinds: the name of each kind of object, how it is read, and which other cells belong to it. Their
 * numbers are those that the classes declare (a test compares them). This file loads no class, and
 * nothing that touches the system.
 */

import type { Describe } from '../agents/facts.ts';
import { CELL_BODY } from '../memory/layout.ts';
import { describeChannel, describeGate } from '../messaging/ring/channel-facts.ts';
import { describeArray, describeBlock, describeList, describeShared } from '../shared/data-facts.ts';
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
const data = (name: string, describe = plain): KindSeen => ({ name, describe, parts: GUARD });
const queue = (name: string): KindSeen => ({
  name,
  describe: describeChannel,
  parts: [
    [CELL_BODY + 2, 'put lock'],
    [CELL_BODY + 4, 'room'],
  ],
});

export const KINDS: ReadonlyMap<number, KindSeen> = new Map<number, KindSeen>([
  [3, { name: 'Lock', describe: describeLock }],
  [4, { name: 'RLock', describe: describeRLock }],
  [5, { name: 'Semaphore', describe: describeSemaphore }],
  [6, { name: 'BoundedSemaphore', describe: describeBoundedSemaphore }],
  [7, { name: 'Condition', describe: describeCondition, parts: GUARD }],
  [8, { name: 'Event', describe: describeEvent }],
  [9, { name: 'Barrier', describe: describeBarrier }],
  [10, data('Value')],
  [11, { name: 'RWLock', describe: describeRWLock }],
  [12, { name: 'Latch', describe: describeLatch }],
  [13, data('SharedArray', describeArray)],
  [14, { name: 'SharedMemory', describe: describeBlock }],
  [15, { name: 'ShareableList', describe: describeList }],
  [16, queue('Pipe')],
  [17, queue('Queue')],
  [18, queue('JoinableQueue')],
  [19, queue('SimpleQueue')],
  [20, data('Record')],
  [21, data('RecordArray', describeArray)],
  [
    22,
    {
      name: 'Gate',
      describe: describeGate,
      parts: [
        [CELL_BODY + 2, 'join'],
        [CELL_BODY + 4, 'producers'],
      ],
    },
  ],
  [23, { name: 'Connection', describe: plain }],
  [24, { name: 'QueueProducer', describe: plain }],
  [25, { name: 'Shared', describe: describeShared }],
]);
