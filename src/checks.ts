/**
 * Checks: the values of `LOCKSTEP_CHECK`, a list with commas. Read once, when the library
 * is loaded.
 */

const KNOWN = ['order', 'arguments'];
const asked = (process.env.LOCKSTEP_CHECK ?? '').split(',').filter((each) => each !== '');

/** Orders of taking locks that could deadlock. */
export const CHECKS_ORDER: boolean = asked.includes('order');
/** Losses of values on their way to another process or thread. */
export const CHECKS_ARGUMENTS: boolean = asked.includes('arguments');

for (const each of asked) {
  if (KNOWN.includes(each)) continue;
  const known = KNOWN.map((name) => `"${name}"`).join(' and ');
  process.emitWarning(`LOCKSTEP_CHECK=${each}: ignored, it can be a list of ${known}`);
}
