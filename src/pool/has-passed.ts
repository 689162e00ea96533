/** The end of a deadline as a promise. */

import { setTimeout } from '#clock';
import type { Deadline } from '../deadline.ts';

/** Resolves to `false` at the timeout; rejects with the reason of the signal. */
export function hasPassed(deadline: Deadline): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const { signal, remaining } = deadline;
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    if (deadline.timed) setTimeout(() => resolve(false), Math.ceil(remaining));
  });
}
