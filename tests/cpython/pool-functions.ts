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

// Of the tests of concurrent.futures.

export function pow(x: number, y: number): bigint {
  return BigInt(x) ** BigInt(y);
}

export function divmod(x: number, y: number): [number, number] {
  if (y === 0) throw pythonError('ZeroDivisionError', 'integer division or modulo by zero');
  return [Math.floor(x / y), x % y];
}

export function abs(x: number): number {
  return Math.abs(x);
}

export function str(x: unknown): string {
  return String(x);
}

export function getpid(): number {
  return process.pid;
}

export async function sleep_and_raise(seconds: number): Promise<never> {
  await sleepFor(seconds * 1000);
  throw pythonError('Exception', 'this is an exception');
}

let initialized = 'uninitialized';

export function init(text: string): void {
  initialized = text;
}

export function get_init_status(): string {
  return initialized;
}

export async function init_fail(): Promise<never> {
  await sleepFor(100);
  throw pythonError('ValueError', 'error in initializer');
}

/** Ends its process by a signal, as a fault does. */
export async function _crash(seconds = 0): Promise<never> {
  await sleepFor(seconds * 1000);
  process.kill(process.pid, 'SIGSEGV');
  for (;;);
}

export function _exit(): never {
  process.exit(1);
}

export function _raise_error(kind: { class: string }): never {
  throw pythonError(kind.class, '');
}

/** An object that does what its class says when it is encoded. */
export function _return_instance(kind: { class: string }): object {
  return {
    get field(): never {
      if (kind.class === 'ExitAtPickle') process.exit(1);
      if (kind.class === 'ErrorAtPickle') throw pythonError('PicklingError', 'Error in pickle');
      process.kill(process.pid, 'SIGSEGV');
      for (;;);
    },
  };
}

/** Calls the function of that name. */
export function call([name, ...args]: readonly [string, ...unknown[]]): unknown {
  return (functions as Record<string, (...all: unknown[]) => unknown>)[name]!(...args);
}

const functions = { abs, pow, divmod, sleep, str };
