/** The functions that CPython's tests of pools run, as functions of JavaScript. */

import { setTimeout as sleepFor } from 'node:timers/promises';

/** An error as Python has it: its class is its name. */
function pythonError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

export async function sqr(x: number, wait = 0): Promise<number> {
  if (wait > 0) await sleepFor(wait * 1000);
  return x * x;
}

export function mul(x: number, y: number): number {
  return x * y;
}

export async function sleep(seconds: number): Promise<void> {
  await sleepFor(seconds * 1000);
}

export function identity(x: unknown): unknown {
  return x;
}

export function int(text: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text))
    throw pythonError('ValueError', `invalid literal for int() with base 10: '${text}'`);
  return Number(text);
}

export function raising(): never {
  throw pythonError('KeyError', 'key');
}

export function unpickleable_result(): () => number {
  return () => 42;
}

export async function raise_large_valuerror(wait: number): Promise<never> {
  await sleepFor(wait * 1000);
  throw pythonError('ValueError', 'x'.repeat(1024 ** 2));
}

export function _test_wrapped_exception(): never {
  throw pythonError('RuntimeError', 'foo');
}
