/** The functions that the children of these tests run. */

import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Queue, Value } from 'lockstep';
import { currentProcess, isMainProcess, parentProcess } from 'lockstep';

/** The state in which a process finds itself. */
export interface Found {
  /** Whether it was a spare. */
  warm: boolean;
  pid: number;
  name: string;
  parent: number | undefined;
  isMainProcess: boolean;
  env: Record<string, string | undefined>;
  args: string[];
  title: string;
  folder: string;
  umask: number;
  ids: (number | number[] | undefined)[];
  /** Of midnight UTC, by the time zone. */
  hour: number;
  loaded: string[];
}

export function find(): Found {
  return {
    warm: isWarm(process.pid),
    pid: process.pid,
    name: currentProcess().name,
    parent: parentProcess()?.pid,
    isMainProcess,
    env: { ...process.env },
    args: process.argv.slice(2),
    title: process.title,
    folder: process.cwd(),
    umask: process.umask(),
    ids: [
      process.getuid?.(),
      process.geteuid?.(),
      process.getgid?.(),
      process.getegid?.(),
      process.getgroups?.(),
    ],
    hour: new Date(0).getHours(),
    loaded: (globalThis as { loaded?: string[] }).loaded ?? [],
  };
}

/** Whether the process was born as a spare. */
export function isWarm(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(',spare,');
}

/** Milliseconds that a timer of 100 takes, set before anything else. */
export function timesTimer(): Promise<number> {
  const from = performance.now();
  return new Promise((resolve) => setTimeout(() => resolve(performance.now() - from), 100));
}

export async function readsStandardInput(): Promise<{ warm: boolean; input: string }> {
  return { warm: isWarm(process.pid), input: await text(process.stdin) };
}

/** Adds 1 if this process was born as a spare. */
export function countsWarm(warm: Value): void {
  if (isWarm(process.pid)) warm.add(1);
}

export function tellsPid(pids: Queue<number>): void {
  pids.putSync(process.pid);
}

export function fails(): never {
  throw new RangeError('of the target');
}

export function exits(code: number): never {
  process.exit(code);
}
