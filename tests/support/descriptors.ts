/** Programs that have no descriptor left. */

import { openSync } from 'node:fs';

/** Opens files until the system refuses: their descriptors, and the code of the refusal. */
export function takeDescriptors(): { taken: number[]; full: string } {
  const taken: number[] = [];
  for (;;) {
    try {
      taken.push(openSync('/dev/null', 'r'));
    } catch (error) {
      return { taken, full: String((error as NodeJS.ErrnoException).code) };
    }
  }
}
