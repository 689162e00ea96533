/** The operations that are walked, by the test file that walks them. */

import { byUnrelated, type Suite } from './operation.ts';
import { barriers } from './operations/barriers.ts';
import { conditions } from './operations/conditions.ts';
import { data } from './operations/data.ts';
import { events } from './operations/events.ts';
import { latches } from './operations/latches.ts';
import { locks } from './operations/locks.ts';
import { messages } from './operations/messages.ts';
import { namespaces } from './operations/namespaces.ts';
import { objects } from './operations/objects.ts';
import { pipes } from './operations/pipes.ts';
import { reaping } from './operations/reaping.ts';
import { rwlocks } from './operations/rwlocks.ts';
import { boundedSemaphores, semaphores } from './operations/semaphores.ts';

export const suites = {
  locks,
  semaphores,
  boundedSemaphores,
  conditions,
  events,
  barriers,
  rwlocks,
  latches,
  messages,
  pipes,
  objects,
  data,
  namespaces,
  reaping,
  unrelated: [
    ...byUnrelated(locks, 'Lock.acquireSync, contended', 'RLock.release, with a waiter in acquire'),
    ...byUnrelated(boundedSemaphores, 'BoundedSemaphore.release(2), with a waiter in acquireSync'),
    ...byUnrelated(barriers, 'Barrier.wait, as the first of three'),
  ],
} satisfies Record<string, Suite>;

export type SuiteName = keyof typeof suites;
