/** The values that pools of the tests get and give. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Lock, RawArray, Semaphore, Shared } from 'lockstep';
import { countRun } from './counts.ts';

export function add(a: number, b: number): number {
  return a + b;
}

export function same(value: unknown): unknown {
  return value;
}

export function square(n: number): number {
  return n * n;
}

export async function later<Value>(value: Value, milliseconds = 5): Promise<Value> {
  await sleep(milliseconds);
  return value;
}

/** Nothing at once for the first 20,000 numbers, then 64 KiB a millisecond. */
export function slowsDown(n: number): string {
  if (n < 20_000) return '';
  const end = performance.now() + 1.2;
  while (performance.now() < end);
  return String(n % 10).repeat(64 * 1024);
}

/** The first items take a thousand times as long as the others. */
export async function slowFirst(n: number): Promise<number> {
  if (n < 2) await sleep(20);
  return n;
}

export async function sleepIf7(n: number): Promise<number> {
  if (n === 7) await new Promise((resolve) => setTimeout(resolve, 40));
  return n;
}

export function setProperty(object: { value: number }): number {
  return object.value;
}

export function double(object: { value: number }): number {
  object.value *= 2;
  return object.value;
}

export function large(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(7);
}

export function lengthOf(bytes: Uint8Array): number {
  return bytes.length;
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

export function holdLock(lock: Lock): string {
  return lock.runSync(() => 'held');
}

export function tryHold(lock: Lock): boolean {
  const hold = lock.tryAcquire();
  hold?.release();
  return hold !== null;
}

export function acquirePermit(permits: Semaphore): boolean {
  return permits.tryAcquire() !== null;
}

export function functionFor2(n: number): unknown {
  return n === 2 ? () => n : n;
}

export function returnFunction(): unknown {
  return { nested: [() => 1] };
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

/** A result that throws when it is read, and what it throws can't be sent. */
export function neverReadable(): unknown {
  return {
    get late(): never {
      throw () => 1;
    },
  };
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
