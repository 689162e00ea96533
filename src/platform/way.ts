/**
 * Way: whether only this user and root decide where a path leads.
 *
 * Every folder on the way counts, from the root on. Who may write to one can put another in the place of the next. So each belongs to root
 * or to this user, and nobody else may write to it, but for folders with the sticky bit (such as /tmp): there only the owner of an entry, or
 * of the folder, takes the entry away. A symbolic link counts with all that it leads through.
 *
 * Whoever owns "/" is trusted like root: that one decides anyway what every program here runs. In a user namespace without a root of its own
 * the kernel shows the machine's root as the owner 65534 there, and of all that root owns.
 *
 * Once the way is found sound, strangers can't change it any more, so that walking it by name is no race.
 */

import type { Stats } from 'node:fs';
import { lstatSync, readlinkSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
const PERMISSIONS = 0o7777;
/** As many as the kernel follows. */
const MOST_LINKS = 40;

/** Why the folder at the path is not safe to keep anything in; `undefined` where it is, and where there is nothing. */
export function whyUnsafe(path: string): string | undefined {
  const root = statSync('/');
  const trusted = new Set([0, process.geteuid?.() ?? 0, root.uid]);
  let parts = partsOf(resolve(path));
  let links = 0;
  let wrong = whatIsWrong('/', root, trusted);
  for (let at = '/'; wrong === undefined && parts.length > 0; ) {
    const [part, ...rest] = parts;
    parts = rest;
    const next = resolve(at, part!);
    let stats: Stats | undefined;
    try {
      stats = lstatSync(next, { throwIfNoEntry: false });
    } catch (error) {
      return `"${next}" can't be looked at (${(error as NodeJS.ErrnoException).code})`;
    }
    if (stats === undefined) return undefined;
    if (!stats.isSymbolicLink()) {
      at = next;
      wrong = whatIsWrong(at, stats, trusted);
    } else if (++links > MOST_LINKS) {
      wrong = 'it leads through too many symbolic links';
    } else if (!trusted.has(stats.uid) && isOpen(statSync(dirname(next)))) {
      wrong = `"${next}" is a symbolic link of user ${stats.uid}`;
    } else {
      const target = readlinkSync(next);
      if (target.startsWith('/')) at = '/';
      parts = [...partsOf(target), ...parts];
    }
  }
  return wrong;
}

function whatIsWrong(folder: string, stats: Stats, trusted: ReadonlySet<number>): string | undefined {
  if (!stats.isDirectory()) return `"${folder}" is not a folder`;
  if (!trusted.has(stats.uid))
    return `"${folder}" belongs to user ${stats.uid}, who may change what is in it`;
  if (isOpen(stats) && (stats.mode & STICKY) === 0) {
    return `other users may change what is in "${folder}", its permissions are ${(stats.mode & PERMISSIONS).toString(8)} without the sticky bit`;
  }
  return undefined;
}

function isOpen({ mode }: Stats): boolean {
  return (mode & WRITABLE_BY_OTHERS) !== 0;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
