/** Stay: the time of a process inside a lock, from its offer to its release at the server. */

import { now } from '#clock';

export class Stay {
  readonly since: number = now();
  /** Sections until now: see stays.ts. */
  sections = 1;
  /** The version of the claim; 0 until the server has confirmed it. */
  claimed = 0;
}
