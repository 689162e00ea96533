/**
 * Module level: an object without a name that a child makes while it imports modules belongs to the
 * child alone. It looks as if all shared it, but the program and each of its children make one of
 * their own in the same line. The child warns when its target first uses such an object.
 *
 * It only warns, because such an object serves the calls of one thread well, and the library can't
 * see whether it is meant for more.
 */

import { childRecord } from '../agents/child-context.ts';
import type { Opened } from './opened.ts';

const made = new WeakSet<Opened>();
const watched = new WeakMap<object, () => void>();

/** Notes where an object without a name is made. */
export function noteNameless(opened: Opened): Opened {
  if (childRecord()?.phase() === 'importing') made.add(opened);
  return opened;
}

/** Watches for the first use of an object that was noted. Other objects stay as fast as before. */
export function watchFirstUse(object: { cell: Opened['cell'] }, opened: Opened, title: string): void {
  if (!made.has(opened)) return;
  let { cell } = object;
  const settle = (): void => {
    watched.delete(object);
    Object.defineProperty(object, 'cell', {
      value: cell,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  };
  watched.set(object, settle);
  Object.defineProperty(object, 'cell', {
    get() {
      if (childRecord()?.phase() === 'target') {
        settle();
        warn(title);
      }
      return cell;
    },
    set(other: Opened['cell']) {
      cell = other;
      settle();
    },
    enumerable: true,
    configurable: true,
  });
}

/** The object is passed on, so others have it too. */
export function endWatch(object: object): void {
  watched.get(object)?.();
}

function warn(title: string): void {
  process.emitWarning(
    `${title}: it was made at the top level of a module, so this child has one of its own, which no other process or thread ` +
      'knows of; pass it to the target as an argument, or give it a name',
    { type: 'LockstepWarning', code: 'LOCKSTEP_MODULE_LEVEL' },
  );
}
