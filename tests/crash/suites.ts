/** The operations that are walked, by the test file that walks them. */

import type { Suite } from './operation.ts';
import { barriers } from './operations/barriers.ts';
import { conditions } from './operations/conditions.ts';
import { events } from './operations/events.ts';
import { locks, nested } from './operations/locks.ts';
import { objects } from './operations/objects.ts';
import { boundedSemaphores, semaphores } from './operations/semaphores.ts';

export const suites = {
  locks: [...locks, ...nested],
  semaphores: [...semaphores, ...boundedSemaphores],
  barriers,
  conditions,
  events,
  objects,
} satisfies Record<string, Suite>;
