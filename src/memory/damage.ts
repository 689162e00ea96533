/**
 * Damage: the error for a word of shared memory with a value that no program of Lockstep's writes.
 * `docs/internals/trust.md` lists the words that are checked, and those that can't be.
 */

import { LayoutError } from '../errors.ts';

/** `what` begins the message; `found` names the word, its value, and its possible values. */
export function damaged(what: string, found: string): LayoutError {
  return new LayoutError(
    `${what}: refused, ${found}; its memory was damaged: end the programs that use the namespace and remove its folder, or use another namespace`,
  );
}
