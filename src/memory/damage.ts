/**
 * Damage: the error for a word of shared memory that holds what no program of Lockstep's writes.
 * Which words are checked, and which can't be: `docs/internals/trust.md`.
 */

import { LayoutError } from '../errors.ts';

/** `what` begins the message, `found` says which word holds what, and what it could hold. */
export function damaged(what: string, found: string): LayoutError {
  return new LayoutError(
    `${what}: refused, ${found}; its memory was damaged: end the programs that use the namespace and remove its folder, or use another namespace`,
  );
}
