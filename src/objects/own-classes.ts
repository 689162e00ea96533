/**
 * Own classes: which classes of shared objects are Lockstep's, and which the program has derived.
 */

import { opensKind } from '../agents/kinds.ts';

/**
 * The functions `open` of classes that are made by Lockstep, and stand for no kind by themselves.
 */
const made = new WeakSet<object>();

/** Notes that the class whose `open` this is was made by Lockstep. */
export function noteOwn(open: object): void {
  made.add(open);
}

/** Whether it is a class of Lockstep's, and not one that the program has derived. */
export function isOwn(candidate: object | undefined): boolean {
  if (candidate === undefined || !Object.hasOwn(candidate, 'open')) return false;
  const { open } = candidate as { open: object };
  return opensKind(open) || made.has(open);
}
