/** The functions that the workers run in the pool's tests. */

import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export function square(n: number): number {
  return n * n;
}

export async function later(value: unknown): Promise<unknown> {
  await sleep(1);
  return value;
}

export function fails(text: string): never {
  throw Object.assign(new RangeError(text), { code: 'ERR_OF_MINE' });
}

class Refusal extends TypeError {
  readonly extra = { of: [5] };
}

export function failsWithFields(): never {
  const causes = [new RangeError('one'), 'two'];
  throw new Refusal('mine', { cause: new AggregateError(causes, 'many') });
}

export function failsFor(reason: unknown): never {
  throw new RangeError('bad', { cause: reason });
}

export function throwsValue(value: unknown): never {
  throw value;
}

export function add(a: number, b: number): number {
  return a + b;
}

export function failsOn(n: number): number {
  if (n % 2 === 0) throw new Error(`even: ${n}`);
  return n;
}

/** Notes that it has begun, and does not end by itself. */
export async function standsStill(file: string, most: number): Promise<string> {
  appendFileSync(file, `${process.pid}\n`);
  const { readFileSync } = await import('node:fs');
  const begun = readFileSync(file, 'utf8').trim().split('\n').length;
  if (begun <= most) await sleep(3_600_000);
  return `run ${begun}`;
}

export async function notes(file: string): Promise<void> {
  appendFileSync(file, `${process.pid}\n`);
}
