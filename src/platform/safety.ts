/**
 * Safety: whether a folder or a file is this user's alone, and its fault otherwise. Only such a
 * folder may hold shared memory.
 */

import type { FileStats } from './file-stats.ts';

const OPEN_TO_OTHERS = 0o077;

/** The types that an entry of a namespace's folder may have. */
export type FileKind = 'file' | 'FIFO';

/** The user of this program now. */
export function effectiveUser(): number {
  return process.geteuid?.() ?? 0;
}

/** The fault of the folder, if it has one. `refused`: permissions that it may not have. */
export function whatIsWrongWithFolder(
  stats: FileStats,
  refused: number = OPEN_TO_OTHERS,
): string | undefined {
  const user = effectiveUser();
  if (stats.type !== 'folder') return 'it is not a folder';
  if (stats.uid !== user) return `it belongs to user ${stats.uid} and this program runs as ${user}`;
  if ((stats.mode & refused) !== 0) return `its permissions are ${permissions(stats)} and not 700`;
  return undefined;
}

/** The fault of the file in a folder of that user, if it has one. */
export function whatIsWrongWithFile(stats: FileStats, kind: FileKind, user: number): string | undefined {
  if (stats.type !== kind) return `it is not a ${kind}`;
  if (stats.uid !== user && stats.uid !== 0)
    return `it belongs to user ${stats.uid} and its folder to ${user}`;
  if ((stats.mode & OPEN_TO_OTHERS) !== 0) return `its permissions are ${permissions(stats)} and not 600`;
  return undefined;
}

function permissions({ mode }: FileStats): string {
  return (mode & 0o777).toString(8);
}
