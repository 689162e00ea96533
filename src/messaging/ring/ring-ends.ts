/** The parts of a channel that its two ends share. */

import type { Far } from './far.ts';
import type { Gate } from './gate.ts';
import type { Ring } from './ring.ts';

export interface RingEnds {
  readonly title: string;
  /** The waiters for an item; the gate's cell is the channel's. */
  readonly items: Gate;
  /** The waiters for room. */
  readonly rooms: Gate;
  readonly ring: Ring;
  /** The memory in which the ring lies. */
  readonly bytes: Buffer;
  /** The items that are too large for it. */
  readonly far: Far;
}
