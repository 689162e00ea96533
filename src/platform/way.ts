/**
 * Way: whether only this user and root decide where a path leads.
 *
 * Every folder on the way counts, from the root on. A user that may write to one can put another
 * in the place of the next. So each must belong to root or to this user, and nobody else may write
 * to it. The exception are folders with the sticky bit (such as /tmp): there only the owner of an
 * entry, or of the folder, can remove the entry. A symbolic link counts with all that it leads
 * through.
 *
 * The owner of "/" is trusted like root: it decides anyway what every program here runs. In a
 * user namespace without a root of its own the kernel shows the machine's root as the owner 65534
 * there, and of all that root owns.
 *
 * Node's permission model hides some folders (`--allow-fs-read` names the folder, not those above
 * it). They can't be checked, and count as sound: the user who gave the permission chose the
 * folder.
 *
 * Once the path is found sound, strangers can no longer change it, so walking it by name is not a
 * race.
 */

import type { Stats } from 'node:fs';
import { lstatSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
const PERMISSIONS = 0o7777;
/** As many as the kernel follows. */
const MOST_LINKS = 40;
const HIDDEN = 'hidden';

type Look = Stats | typeof HIDDEN | undefined;

/**
 * Why the folder at the path is not safe to keep anything in; `undefined` where it is, and where
 * there is nothing.
 */
export function whyUnsafe(path: string): string | undefined {
  const root = look('/');
  const user = process.geteuid?.() ?? 0;
  const trusted = new Set([0, user, root === HIDDEN ? 0 : (root?.uid ?? 0)]);
  let parts = partsOf(resolve(path));
  let links = 0;
  let wrong = whatIsWrong('/', root, trusted);
  // Whether others may replace what is in the folder that was reached, but for its owner's.
  let isSticky = isOpen(root);
  for (let at = '/'; wrong === undefined && parts.length > 0; ) {
    const [part, ...rest] = parts;
    parts = rest;
    const next = resolve(at, part!);
    let stats: Look;
    try {
      stats = look(next);
    } catch (error) {
      return `"${next}" can't be looked at (${(error as NodeJS.ErrnoException).code})`;
    }
    if (stats === undefined) return undefined;
    if (stats === HIDDEN || !stats.isSymbolicLink()) {
      at = next;
      isSticky = isOpen(stats);
      wrong = whatIsWrong(at, stats, trusted);
    } else if (++links > MOST_LINKS) {
      wrong = 'it leads through too many symbolic links';
    } else if (!trusted.has(stats.uid) && isSticky) {
      wrong = `"${next}" is a symbolic link of user ${stats.uid}`;
    } else {
      const target = readlinkSync(next);
      if (target.startsWith('/')) {
        at = '/';
        isSticky = isOpen(root);
      }
      parts = [...partsOf(target), ...parts];
    }
  }
  return wrong;
}

/** The file at the path; `undefined` if there is none. */
function look(path: string): Look {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED') return HIDDEN;
    throw error;
  }
}

function whatIsWrong(folder: string, stats: Look, trusted: ReadonlySet<number>): string | undefined {
  if (stats === HIDDEN || stats === undefined) return undefined;
  if (!stats.isDirectory()) return `"${folder}" is not a folder`;
  if (!trusted.has(stats.uid)) return `"${folder}" belongs to user ${stats.uid}, who may change its contents`;
  if (isOpen(stats) && (stats.mode & STICKY) === 0) {
    return `other users may change what is in "${folder}", its permissions are ${(stats.mode & PERMISSIONS).toString(8)} without the sticky bit`;
  }
  return undefined;
}

function isOpen(stats: Look): boolean {
  return stats !== HIDDEN && stats !== undefined && (stats.mode & WRITABLE_BY_OTHERS) !== 0;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
