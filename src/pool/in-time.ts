/** In time: waits for an event, for as long as a deadline allows. */

import { onAbort } from '../aborts.ts';
import type { Deadline } from '../deadline.ts';
import { afterMilliseconds } from '../long-timer.ts';

/**
 * Resolves to whether the event came before the timeout. Rejects with the event's error, or with
 * the reason of the signal. Leaves neither a timer nor a listener.
 */
export async function inTime(
  event: Promise<unknown>,
  { signal, timed, remaining }: Deadline,
): Promise<boolean> {
  let cancel = (): void => {};
  let ignore = (): void => {};
  const passed = new Promise<boolean>((resolve, reject) => {
    if (timed) cancel = afterMilliseconds(remaining, () => resolve(false));
    if (signal !== undefined) ignore = onAbort(signal, () => reject(signal.reason as Error));
  });
  try {
    return await Promise.race([event.then(() => true), passed]);
  } finally {
    cancel();
    ignore();
  }
}
