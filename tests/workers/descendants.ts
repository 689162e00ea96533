/** Targets that start children of their own, each in another way: all of them may. */

import { AsyncResource } from 'node:async_hooks';
import { execFileSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs';
import { readFile as readSoon } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isMainProcess, Process, Thread, type Value } from 'lockstep';

const file = fileURLToPath(import.meta.url);
const bus = new EventEmitter();

const ways: Record<string, (go: () => void) => void> = {
  now: (go) => go(),
  chained: (go) => void readSoon(file).then(go),
  callback: (go) => readFile(file, go),
  timeout: (go) => void setTimeout(go, 1),
  immediate: (go) => void setImmediate(go),
  tick: (go) => process.nextTick(go),
  microtask: (go) => queueMicrotask(go),
  listener(go) {
    bus.once('ready', go);
    setTimeout(() => bus.emit('ready'), 1);
  },
  beforeExit(go) {
    process.once('beforeExit', AsyncResource.bind(go));
  },
};

export const WAYS: readonly string[] = Object.keys(ways).filter((way) => way !== 'beforeExit');

/**
 * Starts one child in each way, and each of them one more; tells how many generations there were
 * below each.
 */
export async function descend(depth: number): Promise<number[]> {
  return Promise.all(WAYS.map((way) => descendBy(way, depth)));
}

export function descendBy(way: string, depth: number): Promise<number> {
  if (depth === 0) return Promise.resolve(0);
  return new Promise((resolve, reject) => {
    ways[way]!(() => {
      try {
        const child = new Thread({ target: descendBy, args: [way, depth - 1] });
        child.start();
        child.result.then((below) => resolve(below + 1), reject);
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** A child process of a child process, from a timer both. */
export async function processes(depth: number): Promise<number> {
  if (depth === 0) return 0;
  await new Promise((resolve) => setTimeout(resolve, 1));
  const child = new Process({ target: processes, args: [depth - 1] });
  child.start();
  return 1 + (await child.result);
}

/** A listener of the process's has no asynchronous context but one that it is bound to. */
export function beforeExit(below: Value<'i32'>): void {
  void descendBy('beforeExit', 1).then((depth) => {
    below.value = depth;
  });
}

/** Asks a program that a child has started by other means whether it is a child. */
export function unrelatedProgram(): { here: boolean; there: string } {
  const there = execFileSync(process.execPath, [
    '--input-type=module',
    '-e',
    `import { isMainProcess, parentProcess } from ${JSON.stringify(import.meta.resolve('lockstep'))}; console.log(isMainProcess, parentProcess())`,
  ]);
  return { here: isMainProcess, there: String(there).trim() };
}
