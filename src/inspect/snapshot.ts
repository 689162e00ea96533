/**
 * Snapshot: namespaces as they are, looked at from outside.
 *
 * It joins nothing: it takes no slot and no lock, clears up after no dead agent, and sweeps no
 * folder. It opens all files read-only. Each namespace is read twice, a moment apart: facts that
 * read the same twice are `steady`. A stuck thread reads the same forever, so none is missed. A
 * steady wait was as reported between the two readings.
 */

import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { hrtime } from 'node:process';
import { wallTime } from '#clock';
import { FolderError } from '../errors.ts';
import { LAYOUT_VERSION, TIME_MASK } from '../memory/layout.ts';
import { base, prefix } from '../namespaces/paths.ts';
import { sleep } from '../sleep.ts';
import { noteArguments } from './arguments.ts';
import { noteChildren } from './children.ts';
import type { NamespaceCopy, Unreadable } from './copy.ts';
import { copyNamespace } from './copy.ts';
import { decode } from './decode.ts';
import { readStates } from './decode-agents.ts';
import { readLives } from './lives.ts';
import type { NamespaceSnapshot, Snapshot } from './types.ts';
import { SCHEMA } from './types.ts';

/** Milliseconds between the two readings. */
const APART = 1;
const NO_STATES: ReadonlyMap<number, string> = new Map();
/**
 * Maximum number of snapshots until all blocked threads are at rest, and milliseconds between them.
 */
const TRIES = 4;
const BETWEEN = 5;

/** Which namespaces to look at: those of these folders, or all of this user's. */
export interface SnapshotOptions {
  readonly folders?: readonly string[] | undefined;
}

/**
 * Looks at the namespaces. *Blocks* the thread for a few milliseconds. Changes nothing. Throws
 * `FolderError` if the folder of all namespaces (`LOCKSTEP_DIR`) can't be read.
 */
export function takeSnapshot({ folders = foldersOfUser() }: SnapshotOptions = {}): Snapshot {
  const before = folders.map((folder) => ({ folder, first: copyNamespace(folder) }));
  sleep(APART);
  const again = before.map(({ folder, first }) => {
    const earlier = first !== undefined && isReadable(first) ? first : copyNamespace(folder);
    // Read the states between the two copies: see `readStates`.
    const states = earlier !== undefined && isReadable(earlier) ? readStates(earlier) : NO_STATES;
    return { folder, earlier, states, second: copyNamespace(folder) };
  });
  // Read the lives after the words: an agent that is dead now has done nothing since.
  const lives = readLives();
  const now = Number(hrtime.bigint() / 1_000_000n) & TIME_MASK;
  const namespaces: NamespaceSnapshot[] = [];
  for (const { folder, earlier, states, second } of again) {
    if (second === undefined) continue;
    if (!isReadable(second)) {
      namespaces.push(unreadable(folder, second));
      continue;
    }
    const before = earlier !== undefined && isReadable(earlier) ? earlier : second;
    namespaces.push({
      folder,
      name: nameOf(folder),
      layout: LAYOUT_VERSION,
      readable: true,
      pids: [],
      children: [],
      ...decode({ folder, before, copy: second, states, lives, now }),
    });
  }
  noteArguments(namespaces);
  noteChildren(namespaces);
  return { schema: SCHEMA, taken: new Date(wallTime()).toISOString(), namespaces };
}

/**
 * The same, taken again while a blocked thread is just looking around, a few times at most. A stuck
 * thread comes to rest within milliseconds, so no stuck thread is missed.
 */
export function takeSettledSnapshot(options?: SnapshotOptions): Snapshot {
  for (let left = TRIES; ; left--) {
    const snapshot = takeSnapshot(options);
    const restless = snapshot.namespaces.some(({ agents }) =>
      agents.some(({ blocked, steady, task }) => blocked !== null && (!steady || task === 'R')),
    );
    if (!restless || left <= 1) return snapshot;
    sleep(BETWEEN);
  }
}

/** The folders of this user's namespaces. Throws `FolderError` if their parent can't be read. */
export function foldersOfUser(): string[] {
  const parent = base();
  const own = prefix();
  const user = process.geteuid?.() ?? 0;
  let names: string[];
  try {
    names = readdirSync(parent);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new FolderError(
      `snapshot: can't be taken, the folder ${JSON.stringify(parent)} can't be read (${code}); set LOCKSTEP_DIR to the folder that the programs use`,
      { cause: error },
    );
  }
  return names
    .filter((name) => name.startsWith(`${own}.`) || name.startsWith(`${own}~`))
    .map((name) => `${parent}/${name}`)
    .filter((folder) => {
      const stats = lstatSync(folder, { throwIfNoEntry: false });
      return stats?.isDirectory() === true && stats.uid === user && (stats.mode & 0o077) === 0;
    })
    .sort();
}

/** The name of the namespace in that folder; `null` for one program's own. */
export function nameOf(folder: string): string | null {
  const file = folder.slice(folder.lastIndexOf('/') + 1);
  const [, name] = /^lockstep-\d+\.(.+)$/.exec(file) ?? [];
  return name ?? null;
}

function isReadable(copy: NamespaceCopy | Unreadable): copy is NamespaceCopy {
  return 'words' in copy;
}

function unreadable(folder: string, { layout, why, control }: Unreadable): NamespaceSnapshot {
  return {
    folder,
    name: nameOf(folder),
    layout,
    problems: [why],
    readable: false,
    pids: control === undefined ? [] : pidsWithOpen(control.inode),
    agents: [],
    pools: [],
    children: [],
    objects: [],
  };
}

/**
 * Processes that have the kernel's lock of the file: in every layout the agents have one.
 */
function pidsWithOpen(inode: number): number[] {
  const pids = new Set<number>();
  try {
    for (const line of readFileSync('/proc/locks', 'latin1').split('\n')) {
      const match = /\s(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line);
      if (match !== null && Number(match[2]) === inode) pids.add(Number(match[1]));
    }
  } catch {
    // A file that can't be read is not reported here.
  }
  return [...pids].sort((a, b) => a - b);
}
