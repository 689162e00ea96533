/** Paths: the places and the names of namespaces' folders. */

import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { InvalidTypeError, NameError } from '../errors.ts';
import { platform } from '../platform/current.ts';
import { uniqueName } from '../platform/unique.ts';

const bases = new Map<string, string>();
/** The control segment's file. */
export const CONTROL = 'control';
/** Prefix of the files of names (names.ts). */
export const NAME_PREFIX = 'name-';
/** Prefix of the files of labels. */
export const LABEL_PREFIX = 'label-';
/** Prefix of the files of refused deadlocks (sync/lock/last-deadlocks.ts). */
export const DEADLOCK_PREFIX = 'deadlock-';
/** The path of a namespace's folder. */
export const FOLDER_FORM: RegExp = /^\/([^\0]*\/)?lockstep-\d+[.~][^/\0]+$/;
/** The name of a namespace. */
export const NAMESPACE_FORM: RegExp = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

/**
 * Where namespaces are. A relative path means what it meant at first, whatever the working
 * directory becomes.
 */
export function base(): string {
  const given = process.env.LOCKSTEP_DIR || platform.sharedFolder();
  let resolved = bases.get(given);
  if (resolved === undefined) {
    resolved = resolve(given);
    bases.set(given, resolved);
  }
  return resolved;
}

/** Prefix of the names of this user's folders. */
export function prefix(): string {
  return `lockstep-${process.geteuid?.() ?? 0}`;
}

/** The FIFO by which the event loop of the agent in `slot` is rung (doorbell.ts). */
export function bellFile(slot: number): string {
  return `bell-${slot}`;
}

/** The FIFO by which the sleeping thread of the agent in `slot` is roused (berth.ts). */
export function rouseFile(slot: number): string {
  return `rouse-${slot}`;
}

/**
 * The last stacks that the agent in `slot` has reported (agents/whereabouts.ts).
 */
export function whereaboutsFile(slot: number): string {
  return `stack-${slot}`;
}

/** Where the object in the cell was taken last, if that is noted (sync/lock/taken-at.ts). */
export function takenFile(cell: number): string {
  return `taken-${cell}`;
}

/** The label of the object in the cell (objects/labels.ts). */
export function labelFile(cell: number): string {
  return `${LABEL_PREFIX}${cell}`;
}

/** Name of the file that belongs to the object of that generation in the cell. */
export function dataFile(cell: number, generation: number): string {
  return `data-${cell}-${generation}`;
}

/** Folder of the named namespace. Throws `NameError` for a name that can't be one. */
export function namedFolder(namespace: string): string {
  if (typeof namespace !== 'string') {
    throw new InvalidTypeError(
      `namespace: refused, ${inspect(namespace)} is not a string; pass e.g. { namespace: "orders" }`,
    );
  }
  if (!NAMESPACE_FORM.test(namespace)) {
    throw new NameError(
      `namespace ${JSON.stringify(namespace.slice(0, 60))}: refused, a namespace has 1 to 100 letters, digits, "-", "_" or "." ` +
        '(not first); choose such a name',
    );
  }
  return resolve(base(), `${prefix()}.${namespace}`);
}

/** A fresh folder for a program without a named namespace. */
export function anonymousFolder(): string {
  return resolve(base(), `${prefix()}~${uniqueName()}`);
}
