/** Settings: the options of a pool, checked and complete. */

import { inspect } from 'node:util';
import { InvalidTypeError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import { cpuCount } from '../workers/current-worker.ts';
import { checkTime, checkWhole, MOST } from './option-checks.ts';
import type { CommonPoolOptions } from './pool-options.ts';
import { MOST_WORKERS } from './task-table.ts';

/** The options, checked and complete. */
export interface Settings {
  readonly title: string;
  readonly min: number;
  readonly max: number;
  /** Whether the tasks run in the pool's own thread. */
  readonly isHere: boolean;
  /** Whether memory can move to the workers. */
  readonly moves: boolean;
  readonly initTimeout: number;
  readonly concurrency: number;
  readonly maxQueue: number;
  readonly maxTasksPerChild: number;
  readonly maxMemoryPerChild: number;
  readonly idleTimeout: number;
  readonly grace: number;
  readonly timeout: number | undefined;
  readonly retries: number;
  readonly statistics: boolean;
}

const INIT_TIMEOUT = 60_000;
const IDLE_TIMEOUT = 10_000;
const GRACE = 1000;

/** Throws `InvalidTypeError`, `OutOfRangeError`. */
export function settingsOf(
  kind: 'Pool' | 'ThreadPool',
  options: CommonPoolOptions<unknown, readonly unknown[]>,
  count: unknown,
): Settings {
  checkOptions(kind, options, kind, '{ processes: 4 }');
  const { name, initArgs } = options;
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new InvalidTypeError(
      `${kind}: refused, its name is ${inspect(name)}; pass a string that is not empty`,
    );
  }
  if (initArgs !== undefined && !Array.isArray(initArgs)) {
    throw new InvalidTypeError(
      `${kind}: refused, initArgs is ${inspect(initArgs, { depth: 0 })}; pass an array of arguments`,
    );
  }
  for (const which of ['initializer', 'finalizer'] as const) {
    const given: unknown = options[which];
    if (given === undefined || typeof given === 'function') continue;
    throw new InvalidTypeError(
      `${kind}: refused, its ${which} is ${inspect(given, { depth: 0 })}; pass a function that its module exports`,
    );
  }
  const { statistics = true } = options;
  if (typeof statistics !== 'boolean') {
    throw new InvalidTypeError(`${kind}: refused, statistics is ${inspect(statistics)}; pass true or false`);
  }
  const title = name === undefined ? kind : `${kind} ${JSON.stringify(name)}`;
  const whole = (what: keyof typeof options, least: number, otherwise: number): number => {
    const given: unknown = options[what];
    return given === undefined ? otherwise : checkWhole(title, what, given, least, MOST);
  };
  const time = (what: keyof typeof options, otherwise: number): number => {
    const given: unknown = options[what];
    return given === undefined ? otherwise : checkTime(title, what, given);
  };
  const { maxMemoryPerChild, timeout } = options;
  const { warm } = options as { warm?: unknown };
  if (warm !== undefined) checkWhole(title, 'warm', warm, 0, MOST_WORKERS);
  if (maxMemoryPerChild !== undefined) checkTime(title, 'maxMemoryPerChild', maxMemoryPerChild, 'bytes');
  return {
    title,
    ...countOf(title, kind === 'Pool' ? 'processes' : 'threads', count),
    initTimeout: time('initTimeout', INIT_TIMEOUT),
    concurrency: whole('concurrency', 1, 1),
    maxQueue: whole('maxQueue', 1, Number.POSITIVE_INFINITY),
    maxTasksPerChild: whole('maxTasksPerChild', 1, 0),
    // No limit: the program itself can't be replaced.
    maxMemoryPerChild: (count === 0 ? undefined : maxMemoryPerChild) ?? Number.POSITIVE_INFINITY,
    isHere: count === 0,
    moves: kind === 'ThreadPool',
    idleTimeout: time('idleTimeout', IDLE_TIMEOUT),
    grace: time('grace', GRACE),
    timeout: timeout === undefined ? undefined : checkTime(title, 'timeout', timeout),
    retries: whole('retries', 0, 0),
    statistics,
  };
}

/** Whether `close` rejects what waits. Throws `InvalidTypeError`. */
export function cancelsQueued(title: string, options: { cancelQueued?: boolean }): boolean {
  checkOptions(`${title}: close`, options, 'close', '{ cancelQueued: true }');
  const { cancelQueued = false } = options;
  if (typeof cancelQueued === 'boolean') return cancelQueued;
  throw new InvalidTypeError(
    `${title}: close: refused, cancelQueued is ${inspect(cancelQueued)}; pass true or false`,
  );
}

function countOf(title: string, what: string, count: unknown): { min: number; max: number } {
  if (count === undefined) return { min: cpuCount(), max: cpuCount() };
  if (typeof count === 'object' && count !== null) {
    const { min, max } = count as { min?: unknown; max?: unknown };
    const most = checkWhole(title, `${what}.max`, max, 1, MOST_WORKERS);
    return { min: checkWhole(title, `${what}.min`, min, 0, most), max: most };
  }
  const whole = checkWhole(title, what, count, 0, MOST_WORKERS);
  const workers = Math.max(whole, 1);
  return { min: workers, max: workers };
}
