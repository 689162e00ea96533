/** LastDeadlocks: the deadlocks that were refused last, as their threads have written them down. */

import { readdirSync } from 'node:fs';
import { DEADLOCK_PREFIX } from '../namespaces/paths.ts';
import type { KeptDeadlock } from '../sync/lock/last-deadlocks.ts';
import { readSmallFile } from './copy.ts';
import { foldersOfUser, nameOf } from './snapshot.ts';
import { namespaceFolder } from './where.ts';
import type { Paint } from './words.ts';
import { duration, PLAIN, visible } from './words.ts';

/** Deadlocks that are reported. */
const MOST = 16;
const MOST_BYTES = 262_144;

/** A deadlock of which a call was refused. */
export interface PastDeadlock extends KeptDeadlock {
  readonly folder: string;
  /** Its namespace; `null` for one program's own. */
  readonly namespace: string | null;
}

/**
 * The last 16 deadlocks that calls were refused for, the latest first: in a namespace, or in all of
 * this user's. They end with their namespace, when its last agent leaves.
 */
export function lastDeadlocks(namespace?: string): PastDeadlock[] {
  const folders = namespace === undefined ? foldersOfUser() : [namespaceFolder(namespace)];
  return folders
    .flatMap((folder) => filesIn(folder).flatMap((file) => readDeadlock(folder, file) ?? []))
    .sort((a, b) => b.at - a.at)
    .slice(0, MOST);
}

/** The same in sentences; `now` in milliseconds since 1970. */
export function explainPast(deadlocks: readonly PastDeadlock[], now: number, paint: Paint = PLAIN): string {
  if (deadlocks.length === 0)
    return 'No DeadlockError on record (records go when the last program leaves).\n';
  const parts = [
    deadlocks.length === 1
      ? 'One deadlock, for which a call was refused:'
      : `The last ${deadlocks.length} deadlocks, for each of which a call was refused:`,
  ];
  for (const { at, message, members, namespace } of deadlocks) {
    const [first] = members;
    const who = first === undefined ? '' : `, in ${visible(first.name)} (pid ${first.pid})`;
    const where = namespace === null ? '' : `, namespace ${namespace}`;
    const lines = message.split('\n').map((line) => `   ${visible(line)}`);
    parts.push(
      `${paint.strong(new Date(at).toISOString())}, ${duration(Math.max(0, now - at))} ago${who}${where}\n${lines.join('\n')}`,
    );
  }
  return `${parts.join('\n\n')}\n`;
}

function filesIn(folder: string): string[] {
  try {
    const files = readdirSync(folder).filter((file) => file.startsWith(DEADLOCK_PREFIX));
    return files.sort().slice(-MOST);
  } catch {
    // It was removed meanwhile.
    return [];
  }
}

function readDeadlock(folder: string, file: string): PastDeadlock | undefined {
  let kept: Partial<KeptDeadlock>;
  try {
    kept = (JSON.parse(readSmallFile(`${folder}/${file}`, MOST_BYTES) ?? 'null') ??
      {}) as Partial<KeptDeadlock>;
  } catch {
    // Half of it, or damaged.
    return undefined;
  }
  const { at, message, members } = kept;
  if (
    typeof at !== 'number' ||
    !(Math.abs(at) < 8e15) ||
    typeof message !== 'string' ||
    !Array.isArray(members)
  )
    return undefined;
  return { at, message, members, folder, namespace: nameOf(folder) };
}
