/** The targets that the tests of damage run in processes of their own. */

import { type Event, openShared } from 'lockstep';

interface Ending {
  readonly code: string;
  readonly message: string;
}

/** Opens the handle; tells how that ended. */
export function opens(handle: string): Ending {
  try {
    openShared(handle);
    return { code: 'opened', message: '' };
  } catch (error) {
    const { code, message } = error as Ending;
    return { code, message };
  }
}

export function sets(event: Event): void {
  event.set();
}
