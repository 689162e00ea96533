/** The state of a Condition. */

import type { Describe } from '../../agents/facts.ts';

export const NOTIFIED_SHIFT = 15;
export const NOTIFIED_STEP: number = 1 << NOTIFIED_SHIFT;
export const WAITING_MASK = 0x7fff;

/** Calls that wait, in the detail of a wait entry. */
export function waitingIn(detail: number): number {
  return detail & WAITING_MASK;
}

/** Notifications that were given, in the same. */
export function notifiedIn(detail: number): number {
  return detail >> NOTIFIED_SHIFT;
}

/** All its state is in the wait entries. */
export const describeCondition: Describe = () => ({ holders: [], endedBy: 'anybody', state: {} });
