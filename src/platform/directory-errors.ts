/** DirectoryErrors: the errors of a namespace's folder and its files. */

import { FolderError, PlatformError } from '../errors.ts';
import { statsOfEntry } from './file-stats.ts';
import { whatIsWrongWithFolder } from './safety.ts';

/** The fault where opening fails in this way. */
export const IN_ITS_PLACE: Record<string, string> = {
  ELOOP: 'it is a symbolic link',
  EISDIR: 'it is a folder',
  ENXIO: 'it is not a file',
  ENODEV: 'it is not a file',
  ENOTDIR: 'it is not a folder',
};

/** The error for a folder that is not safe to use. */
export function folderRefused(path: string, wrong: string, cause?: unknown): FolderError {
  return new FolderError(
    `namespace "${path}": refused, ${wrong}; it is not safe to share memory there, remove it or set LOCKSTEP_DIR to another folder`,
    cause === undefined ? undefined : { cause },
  );
}

/** The error for a file in a namespace's folder that is not safe to use. */
export function fileRefused(path: string, wrong: string, cause?: unknown): FolderError {
  return new FolderError(
    `shared memory "${path}": refused, ${wrong}; another program replaced it: end the programs that use its folder, and remove the folder`,
    cause === undefined ? undefined : { cause },
  );
}

/** The error for a folder or file that the system does not let this program use. */
export function unusable(title: string, cause: unknown, code: string): PlatformError {
  const advice =
    code === 'EMFILE' || code === 'ENFILE'
      ? 'raise the limit of open files (ulimit -n), or use fewer threads and namespaces'
      : 'check who changed its permissions, and the file system';
  return new PlatformError(`${title}: can't be used, ${code || String(cause)}; ${advice}`, { cause });
}

/** Why the folder at `way` could not be opened: for a message only, not for any decision. */
export function whyNotOpened(way: string, code: string): string {
  const refused = `it can't be opened (${code})`;
  try {
    const there = statsOfEntry(way);
    return there.type === 'link' ? IN_ITS_PLACE.ELOOP! : (whatIsWrongWithFolder(there) ?? refused);
  } catch {
    return refused;
  }
}

/** The system's code of the error, also where it is the cause of one of ours; '' if it has none. */
export function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  if (typeof code === 'string' && !code.startsWith('ERR_LOCKSTEP_')) return code;
  return typeof cause?.code === 'string' ? cause.code : '';
}
