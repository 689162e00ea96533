/**
 * Timers of any length that are never early: Node's own fire at once beyond 24.8 days, and up to
 * a millisecond too soon.
 */

import { clearTimeout, now, setTimeout } from '#clock';

/** Longest delay that Node's timers take, in milliseconds. */
const LONGEST = 0x7fffffff;

/**
 * Calls `fire` once after that many milliseconds (never for `Infinity`); returns a function that
 * cancels it.
 */
export function afterMilliseconds(milliseconds: number, fire: () => void): () => void {
  const at = now() + milliseconds;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    timer = setTimeout(look, Math.min(LONGEST, Math.ceil(at - now())));
  };
  const look = (): void => {
    if (now() < at) arm();
    else fire();
  };
  arm();
  return () => clearTimeout(timer);
}
