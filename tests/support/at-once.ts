/** How many processes a test file runs side by side where each of them keeps a core busy. */

import { availableParallelism } from 'node:os';

/** A container may have the memory and the time of few cores, and see all those of its host. */
const MOST = 4;

export const AT_ONCE: number = Math.min(availableParallelism(), MOST);
