/** Timeouts of any length: Node's own fire at once beyond 24.8 days. */

/** Longest delay that Node's timers take, in milliseconds. */
const LONGEST = 0x7fffffff;

/** Calls `fire` once after that many milliseconds (never for `Infinity`); returns a function that cancels it. */
export function afterMilliseconds(milliseconds: number, fire: () => void): () => void {
  const at = performance.now() + milliseconds;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const left = at - performance.now();
    timer = left > LONGEST ? setTimeout(arm, LONGEST) : setTimeout(fire, Math.max(0, left));
  };
  arm();
  return () => clearTimeout(timer);
}
