/** The functions that the children of these tests run. */

import { readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, threadId } from 'node:worker_threads';
import {
  activeChildren,
  currentProcess,
  currentThread,
  type Event,
  isMainProcess,
  type Lock,
  Process,
  parentProcess,
  Thread,
  ThreadLocal,
} from 'lockstep';

export interface Self {
  pid: number;
  threadId: number;
  process: string;
  thread: string;
  daemon: boolean;
  parent: { pid: number; name: string } | undefined;
  children: number;
  isMainProcess: boolean;
  args: string[];
}

export function add(a: number, b: number): number {
  return a + b;
}

export async function addLater(a: number, b: number): Promise<number> {
  await sleep(1);
  return a + b;
}

export function echo(...args: unknown[]): unknown[] {
  return args;
}

export function nothing(): void {}

/** Where the module loader finds a module, seen from that folder. */
export function whereIs(folder: string, module: string): string {
  return createRequire(`${folder}/program.js`).resolve(module);
}

export function self(): Self {
  const parent = parentProcess();
  return {
    pid: process.pid,
    threadId,
    process: currentProcess().name,
    thread: currentThread().name,
    daemon: isMainThread ? currentProcess().daemon : currentThread().daemon,
    parent: parent === null ? undefined : { pid: parent.pid, name: parent.name },
    children: activeChildren().length,
    isMainProcess,
    args: process.argv.slice(2),
  };
}

export function fail(message: string): never {
  const error = new RangeError(message, { cause: new Error('the cause') });
  throw Object.assign(error, { code: 'ERR_OF_THE_TEST', unsendable: () => {} });
}

export function failWith(value: unknown): never {
  throw value;
}

/** Throws an error that stands behind a Proxy, and so does its cause. */
export function failBehindProxy(message: string): never {
  throw new Proxy(new RangeError(message, { cause: new Proxy({}, {}) }), {});
}

/** Throws an error in which nothing can be looked at. */
export function failUnreadably(): never {
  const error = Object.assign(new RangeError('unread'), { kept: 1 });
  // The stack first: to define it reads the others.
  for (const key of ['stack', 'name', 'message', 'broken']) {
    Object.defineProperty(error, key, {
      enumerable: key === 'broken',
      get() {
        throw new Error(`the getter of ${key}`);
      },
    });
  }
  throw error;
}

export function failLater(message: string): Promise<never> {
  setTimeout(() => fail(message), 1);
  return new Promise(() => {});
}

export function exitWith(code: number): void {
  process.exit(code);
}

export function exitOddly(code: unknown): void {
  process.exit(code as number);
}

export function endureForever(): void {
  setInterval(() => {}, 1000);
}

/** Blocks its thread forever. */
export function spinForever(): void {
  for (;;);
}

export function waitFor(event: Event): void {
  event.waitSync();
}

export function announce(ready: Event): void {
  ready.set();
  setInterval(() => {}, 1000);
}

/** Says that it is ready, takes the lock and never lets go. */
export function holdForever(lock: Lock, ready: Event): void {
  lock.acquireSync();
  ready.set();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

export function neverSettles(): Promise<never> {
  return new Promise(() => {});
}

export function returnsFunction(): unknown {
  return { server: { close() {} } };
}

/** Goes on after it returned: a child lives until its event loop is empty. */
export function lingers(done: Event): string {
  setTimeout(() => done.set(), 20);
  return 'returned';
}

export function hasCleanup(ready: Event, cleaned: Event): void {
  process.on('exit', () => cleaned.set());
  try {
    ready.set();
    for (;;);
  } finally {
    cleaned.set();
  }
}

export function exitListener(mark: string): void {
  process.once('exit', () => writeFileSync(mark, 'ran'));
}

export async function ownChild(kind: 'process' | 'thread'): Promise<Self> {
  const child = kind === 'process' ? new Process({ target: self }) : new Thread({ target: self });
  child.start();
  return child.result;
}

export function leavesThread(done: Event): void {
  new Thread({ target: setsLater, args: [done] }).start();
}

export function setsLater(event: Event): void {
  setTimeout(() => event.set(), 30);
}

export function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Where the shared objects lie that the test hid somewhere in its arguments. */
export function nested(value: {
  map: Map<string, Lock[]>;
  set: Set<Lock>;
  self: unknown;
  deep: { at: { last: Lock } };
}): { same: boolean; cyclic: boolean; locked: boolean; handle: string } {
  const { map, set, deep } = value;
  const inMap = map.get('locks')?.[0];
  return {
    same: inMap === deep.at.last && set.has(deep.at.last),
    cyclic: value.self === value,
    locked: deep.at.last.locked,
    handle: deep.at.last.handle,
  };
}

export const counted: { made: number } = { made: 0 };
export const local: ThreadLocal<{ serial: number }> = new ThreadLocal(() => ({ serial: ++counted.made }));

export function readLocal(): { first: number; again: number; made: number } {
  return { first: local.value.serial, again: local.value.serial, made: counted.made };
}

export function write(lines: string[]): void {
  for (const line of lines) console.log(line);
}

/** The error that a child gets when it tries to use itself. */
export async function useSelf(kind: 'Process' | 'Thread'): Promise<unknown[]> {
  const own = kind === 'Process' ? currentProcess() : currentThread();
  const attempts = [
    () => own.start(),
    () => own.join(),
    () => own.joinSync(),
    () => own.terminate(),
    () => own.close(),
  ];
  return Promise.all(
    attempts.map(async (attempt) => {
      try {
        await attempt();
        return 'nothing';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    }),
  );
}

export async function signalParent(times: number, done: Event): Promise<void> {
  for (let n = 0; n < times; n++) {
    process.kill(process.ppid, 'SIGUSR2');
    await sleep(1);
  }
  done.set();
}

export function filled(length: number): Uint8Array {
  return new Uint8Array(length).fill(7);
}

export function fill(words: Int32Array, value: number): void {
  words.fill(value);
}

export function setVariable(name: string, value: string): void {
  process.env[name] = value;
}

export function startDaemon(): number {
  const daemon = new Process({ target: endureForever, daemon: true });
  daemon.start();
  return daemon.pid!;
}

/** Fills the memory of its thread. */
export function exhaust(): void {
  const kept: unknown[] = [];
  for (;;) kept.push(new Array(1000).fill(kept.length));
}
