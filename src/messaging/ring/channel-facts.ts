/**
 * The state of a queue, a pipe's channel and their gates, as their cells show it. Their items lie
 * in the ring.
 */

import { load } from '#atomics';
import type { Describe } from '../../agents/facts.ts';
import { CELL_STATE } from '../../memory/layout.ts';

export const CLOSED_BIT: number = 1 << 29;

export const describeChannel: Describe<{ readonly closed: boolean }> = (_view, { words, at }) => ({
  holders: [],
  endedBy: 'anybody',
  state: { closed: (load(words, at + CELL_STATE) & CLOSED_BIT) !== 0 },
});

export const describeGate: Describe = () => ({ holders: [], endedBy: 'anybody', state: {} });
