/**
 * Own classes: which classes of shared objects are Lockstep's, and which the program has derived.
 */

/** The functions `open` of Lockstep's own classes. */
const own = new WeakSet<object>();

/** Notes that the class whose `open` this is belongs to Lockstep. */
export function noteOwn(open: object): void {
  own.add(open);
}

/** Whether it is a class of Lockstep's, and none that the program has derived from one. */
export function isOwn(candidate: object | undefined): boolean {
  if (candidate === undefined || !Object.hasOwn(candidate, 'open')) return false;
  return own.has((candidate as { open: object }).open);
}
