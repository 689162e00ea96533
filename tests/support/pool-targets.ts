/** The functions that the pools of the tests run. */

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, threadId } from 'node:worker_threads';
import {
  Barrier,
  currentTask,
  type Event,
  type Lock,
  Pool,
  Process,
  Queue,
  type RawArray,
  Semaphore,
  type Shared,
  ThreadPool,
  type Value,
  waitAnySync,
  workerState,
} from 'lockstep';

export function add(a: number, b: number): number {
  return a + b;
}

export function same(value: unknown): unknown {
  return value;
}

/** Nothing at once for the first 20,000 numbers, then 64 KiB a millisecond. */
export function slowsDown(n: number): string {
  if (n < 20_000) return '';
  const end = performance.now() + 1.2;
  while (performance.now() < end);
  return String(n % 10).repeat(64 * 1024);
}

export function square(n: number): number {
  return n * n;
}

export async function later<Value>(value: Value, milliseconds = 5): Promise<Value> {
  await sleep(milliseconds);
  return value;
}

export class OwnError extends Error {
  readonly detail: number;

  constructor(message: string, detail: number) {
    super(message);
    this.name = 'OwnError';
    this.detail = detail;
  }
}

export function fail(n: number): never {
  throw new OwnError(`failed with ${n}`, n);
}

export function failRange(n: number): never {
  throw new RangeError(`no ${n}`, { cause: new TypeError('inner') });
}

export function failFor(n: number, bad: number): number {
  if (n === bad) fail(n);
  return n;
}

export function failAt3(n: number): number {
  return failFor(n, 3);
}

/** An error that can't be made again: its constructor needs what does not travel. */
export function failWithStrangeError(): never {
  class Strange extends Error {
    constructor(options: { must: { exist: string } }) {
      super(options.must.exist);
    }
  }
  throw new Strange({ must: { exist: 'strange' } });
}

export function throwFunction(): never {
  throw () => 1;
}

export function returnFunction(): unknown {
  return { nested: [() => 1] };
}

export function exit(code: number): never {
  return process.exit(code);
}

export function killSelf(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

export function abort(): never {
  process.abort();
}

/** Ends as V8 does when its heap is full. */
export function abortAsFullHeap(): never {
  process.kill(process.pid, 'SIGABRT');
  for (;;);
}

export function fillHeap(): never {
  const all: unknown[] = [];
  for (;;) all.push(new Array(10_000).fill(Math.random()));
}

export function whoami(): number {
  return isMainThread ? process.pid : threadId;
}

/** Reports that it runs, and continues until `go` is set. */
export async function runUntil(began: Queue<number>, go: Event): Promise<number> {
  await began.put(whoami());
  await go.wait();
  return whoami();
}

export function blockUntil(began: Queue<number>, go: Event): number {
  began.putSync(whoami());
  go.waitSync();
  return whoami();
}

export function spinUntilAborted(began: Queue<number>): string {
  const task = currentTask();
  began.putSync(whoami());
  while (task?.aborted !== true);
  return 'saw it';
}

export async function awaitAbort(began: Queue<number>, seen: Queue<string>): Promise<void> {
  const { signal } = currentTask()!;
  await began.put(whoami());
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  await seen.put('aborted');
}

/** Blocks in a wait of that sort with the signal of its task; notes why it ended. */
export function blockWithSignal(began: Queue<number>, go: Event, how: string, seen: Queue<string>): string {
  const { signal } = currentTask()!;
  began.putSync(whoami());
  try {
    if (how === 'event') go.waitSync({ signal });
    else if (how === 'any') waitAnySync([new Queue()], { signal });
    else if (how === 'permit') new Semaphore(0).acquireSync({ signal });
    else if (how === 'barrier') new Barrier(2).waitSync({ signal });
    else new Queue().getSync({ signal });
  } catch (error) {
    seen.putSync((error as Error).name);
  }
  return how;
}

export function spinForEver(began: Queue<number>): never {
  began.putSync(whoami());
  for (;;);
}

export function noteRun(log: Queue<number>, n: number): number {
  log.putSync(n);
  return n;
}

/** Counts that it has begun, and kills its process the first time. */
export function killFirst(counts: RawArray<'i32'>, index: number): number {
  if (Atomics.add(counts.view as Int32Array, index, 1) === 0) killSelf();
  return index;
}

/** Ends its worker each time. */
export function endFirst(counts: RawArray<'i32'>, index: number): number {
  if (Atomics.add(counts.view as Int32Array, index, 1) === 0) process.exit(3);
  return index;
}

export function countRun(counts: RawArray<'i32'>, index: number): number {
  Atomics.add(counts.view as Int32Array, index, 1);
  return index;
}

/** Counts its run; item 2 has a result whose getter throws. */
export function throwsWhenRead(counts: RawArray<'i32'>, index: number): unknown {
  countRun(counts, index);
  if (index !== 2) return index;
  return {
    get late(): never {
      throw new RangeError(`read ${index}`);
    },
  };
}

/** A result that throws when it is read, and what it throws can't be sent. */
export function neverReadable(): unknown {
  return {
    get late(): never {
      throw () => 1;
    },
  };
}

export function holdLock(lock: Lock): string {
  return lock.runSync(() => 'held');
}

export function acquirePermit(permits: Semaphore): boolean {
  return permits.tryAcquire() !== null;
}

export async function nested(kind: 'Pool' | 'ThreadPool', n: number): Promise<number> {
  const pool = kind === 'Pool' ? new Pool({ processes: 1 }) : new ThreadPool({ threads: 1 });
  try {
    return await pool.apply(square, [n]);
  } finally {
    await pool.close();
  }
}

export async function nestedProcess(n: number): Promise<number> {
  const child = new Process({ target: square, args: [n] });
  child.start();
  return await child.result;
}

export function connect(text: string): { text: string } {
  return { text };
}

export function askState(): string {
  return workerState(connect).text;
}

export function failToConnect(): never {
  throw new Error('no connection');
}

export async function rejectToConnect(): Promise<never> {
  await sleep(1);
  throw new Error('no connection, later');
}

export function neverConnect(): Promise<never> {
  return new Promise(() => setInterval(() => {}, 1000));
}

export function exitAtStart(): never {
  return process.exit(5);
}

/** The finalizer of a pool that was initialized by `openLog`. */
export function openLog(path: string): string {
  return path;
}

export function noteEnd(path: string): void {
  const fd = openSync(path, 'a');
  writeSync(fd, `${whoami()}\n`);
  closeSync(fd);
}

export function setProperty(object: { value: number }): number {
  return object.value;
}

export function rssOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
}

export function large(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(7);
}

export function lengthOf(bytes: Uint8Array): number {
  return bytes.length;
}

export function report(n: number): string {
  const task = currentTask()!;
  for (let round = 0; round < n; round++) task.report(round);
  return 'reported';
}

export function reportFunction(): void {
  currentTask()!.report({ fn: () => 1 });
}

export function functionFor2(n: number): unknown {
  return n === 2 ? () => n : n;
}

export async function waitIfFirst(began: Queue<number>, go: Event, n: number): Promise<number> {
  if (n === 0) await go.wait();
  else await began.put(n);
  return n;
}

export async function waitIfFirstTuple([, go, n]: readonly [Queue<number>, Event, number]): Promise<number> {
  if (n === 0) await go.wait();
  return n;
}

export async function waitTuple([, go, n]: readonly [Queue<number>, Event, number]): Promise<number> {
  await go.wait();
  return n;
}

/** Kills its process at item 7, the first time. */
export function killAt7(counts: RawArray<'i32'>, n: number): number {
  if (Atomics.add(counts.view as Int32Array, n, 1) === 0 && n === 7) killSelf();
  return n;
}

export function variable(name: string): string | undefined {
  return process.env[name];
}

/** The tables that this process or thread has seen. */
const tables = new Set<unknown>();

/** A name in the table, and how many tables were decoded here. */
export function lookUp(
  table: Shared<{ names: string[] }>,
  index: number,
): { name: string | undefined; decoded: number; frozen: boolean } {
  const { names } = table.value;
  tables.add(names);
  return { name: names[index], decoded: tables.size, frozen: Object.isFrozen(names) };
}

export async function sleepIf7(n: number): Promise<number> {
  if (n === 7) await new Promise((resolve) => setTimeout(resolve, 40));
  return n;
}

/** The task's own view of itself. */
export function askTask(): { aborted: boolean | undefined; state: { text: string } } {
  return { aborted: currentTask()?.aborted, state: workerState(connect) };
}

export async function untilAborted(): Promise<string> {
  const { signal } = currentTask()!;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return 'aborted';
}

export function double(object: { value: number }): number {
  object.value *= 2;
  return object.value;
}

export function failWithMany(): never {
  throw new AggregateError([new TypeError('one'), new OwnError('two', 2)], 'many', { cause: { code: 7 } });
}

export class Point {
  readonly x: number;
  readonly y: number;

  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }

  get sum(): number {
    return this.x + this.y;
  }
}

export function mirrored({ x, y }: Point): Point {
  return new Point(y, x);
}

export function tryHold(lock: Lock): boolean {
  const hold = lock.tryAcquire();
  hold?.release();
  return hold !== null;
}

/** Ends its process while its result is being written. */
export function dieInResult(): unknown {
  return {
    bytes: large(1024 * 1024),
    get last(): number {
      return killSelf();
    },
  };
}

/** An initializer that works once. */
export function connectOnce(counts: RawArray<'i32'>): string {
  if (Atomics.add(counts.view as Int32Array, 0, 1) > 0) throw new Error('no second connection');
  return 'connected';
}

/** An initializer whose first worker ends in it. */
export function endOnce(counts: RawArray<'i32'>): string {
  endFirst(counts, 0);
  return 'connected';
}

export function throwAtEnd(): never {
  throw new Error('of the finalizer');
}

/** An initializer: from the third worker on it waits until the event is set. */
export async function beginLater(starts: Value, open: Event): Promise<void> {
  if (starts.add(1) >= 2) await open.wait();
}

export async function neverEnd(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1_000_000));
}

export function exitAtEnd(): never {
  return process.exit(4);
}

/** Makes workers and a process of its own, says who they are, and stays. */
export async function haveFamily(pids: Queue<number>): Promise<void> {
  const pool = new Pool({ processes: 1, warm: 0 });
  await pids.put(await pool.apply(whoami));
  const child = new Process({ target: sleepLong, daemon: true });
  child.start();
  await pids.put(child.pid!);
  await pool.apply(sleepLong);
}

export async function sleepLong(): Promise<void> {
  await sleep(1_000_000);
}

/** Uses a pool in the thread or process that calls it. */
export async function usePool(kind: 'Pool' | 'ThreadPool'): Promise<number[]> {
  const pool = kind === 'Pool' ? new Pool({ processes: 1 }) : new ThreadPool({ threads: 1 });
  try {
    return await pool.map(square, [1, 2, 3]);
  } finally {
    await pool.close();
  }
}

/** The first items take a thousand times as long as the others. */
export async function slowFirst(n: number): Promise<number> {
  if (n < 2) await sleep(20);
  return n;
}

/** Ends its worker with that exit code, unless it is 0. */
export function exitAt(code: number): number {
  return code === 0 ? 0 : process.exit(code);
}

/** Reports that it runs, blocks until `go` is set, and returns the value. */
export function blockFor<Value>(began: Queue<number>, go: Event, value: Value): Value {
  began.putSync(whoami());
  go.waitSync();
  return value;
}

export function noteUnless3([log, n]: readonly [Queue<number>, number]): number {
  log.putSync(n);
  return failFor(n, 3);
}

/** An object that can't be read, or a text. */
export function returnThrower(throws: boolean): unknown {
  if (!throws) return 'fine';
  return {
    get field(): never {
      throw new RangeError('of a getter');
    },
  };
}

/** Reports that it runs, and ends its worker once `go` is set. */
export async function exitOn(began: Queue<number>, go: Event): Promise<never> {
  await began.put(whoami());
  await go.wait();
  process.exit(3);
}

/** Throws in the first worker that calls it. */
export function failFirst(counts: RawArray<'i32'>, index: number): number {
  const before = Atomics.add(counts.view as Int32Array, index, 1);
  return before === 0 ? fail(before) : before;
}

/** Gives the numbers below `end`, and notes its end. */
export function* countTo(end: number, log?: Queue<string>): Generator<number> {
  try {
    for (let n = 0; n < end; n++) yield n;
  } finally {
    log?.putSync('closed');
  }
}

/** The same, and notes each number before it gives it. */
export async function* countSlowly(end: number, log: Queue<number>): AsyncGenerator<number> {
  try {
    for (let n = 0; n < end; n++) {
      await log.put(n);
      yield n;
    }
  } finally {
    await log.put(-1);
  }
}

/** Gives two numbers; its `finally` throws. */
export function* failInFinally(): Generator<number> {
  try {
    yield 1;
    yield 2;
  } finally {
    fail(7);
  }
}

/** Gives the numbers below `end`, and then something else. */
export function* countAnd(end: number, then: 'throw' | 'die' | 'exit' | 'function'): Generator<unknown> {
  yield* countTo(end);
  if (then === 'throw') fail(end);
  if (then === 'die') killSelf();
  if (then === 'exit') process.exit(3);
  yield () => 1;
}

/** Gives one number, and waits for its signal. */
export async function* waitForAbort(began: Queue<number>, seen: Queue<string>): AsyncGenerator<number> {
  try {
    yield 1;
    await awaitAbort(began, seen);
    yield 2;
  } finally {
    await seen.put('closed');
  }
}

/** Gives one number, and never another. */
export function* spinAfterOne(began: Queue<number>): Generator<number> {
  yield 1;
  spinForEver(began);
}

export async function listLater(numbers: number[]): Promise<number[]> {
  return await later(numbers);
}

export function* countBytes(count: number, bytes: number): Generator<Uint8Array> {
  for (let n = 0; n < count; n++) yield large(bytes).fill(n);
}

export function* reportEach(end: number): Generator<boolean | undefined> {
  for (let n = 0; n < end; n++) {
    currentTask()?.report(n);
    yield currentTask()?.aborted;
  }
}
