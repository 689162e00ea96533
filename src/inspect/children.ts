/**
 * Children: processes of Lockstep's that have touched no shared object yet, so that no agent shows
 * them. Each has the file of its job open as descriptor 3 (workers/process/process-files.ts), in
 * the folder of its parent's namespace. The beginning of that file names it.
 */

import { readdirSync, readlinkSync } from 'node:fs';
import { ABOUT_BYTES, ABOUT_FROM, factsOfJob, PROGRESS } from '../workers/process/job-file.ts';
import { readSegment } from './copy.ts';
import { isChildCommand, readCommand, readParent, readTaskState } from './tasks.ts';
import type { ChildSnapshot, NamespaceSnapshot } from './types.ts';

const JOB = /^(\/.+)\/job-\d+(?: \(deleted\))?$/;

/** Sets `children` of the namespaces. */
export function noteChildren(namespaces: readonly NamespaceSnapshot[]): void {
  if (!namespaces.some(({ readable }) => readable)) return;
  const seen = new Set(namespaces.flatMap(({ agents }) => agents.map(({ pid }) => pid)));
  for (const pid of processes()) {
    if (seen.has(pid) || !isChildCommand(readCommand(pid))) continue;
    const folder = folderOf(pid);
    const namespace = namespaces.find((each) => each.folder === folder);
    const child = namespace === undefined ? undefined : childIn(pid);
    if (child !== undefined) (namespace!.children as ChildSnapshot[]).push(child);
  }
}

function processes(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    // There is no /proc: those processes stay unknown.
    return [];
  }
}

/** The folder of the namespace that its parent has given the process; `undefined`: not known. */
function folderOf(pid: number): string | undefined {
  try {
    return JOB.exec(readlinkSync(`/proc/${pid}/fd/3`))?.[1];
  } catch {
    // It has ended, or is another user's.
    return undefined;
  }
}

/** `undefined`: it is a spare that has no job yet, or has ended. */
function childIn(pid: number): ChildSnapshot | undefined {
  const words = readSegment(`/proc/${pid}/fd/3`, ABOUT_FROM + ABOUT_BYTES, true)?.words;
  const facts = words && factsOfJob(Buffer.from(words.buffer, words.byteOffset, words.byteLength));
  if (facts === undefined || facts.progress < PROGRESS.WRITTEN) return undefined;
  const state = readTaskState(pid, pid);
  if (state === undefined || state === 'Z' || state === 'X') return undefined;
  const { name, script, target } = facts;
  return { pid, parent: readParent(pid) ?? null, name, script, target };
}
