/**
 * Shared pool: the one pool of its kind for all code of a thread that wants no pool of its own. So
 * libraries that do not know of each other start no more workers together than there are
 * processors.
 *
 * It is made by the first call, and made again only if it broke. It belongs to nobody, so nobody
 * can close it.
 */

import { inspect, isDeepStrictEqual } from 'node:util';
import { StateError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import { cpuCount } from '../workers/current-worker.ts';
import { identity } from '../workers/identity.ts';
import type { CommonPoolOptions } from './pool-options.ts';

/** Options of a shared pool: those that do not change what a call means. */
export type SharedPoolOptions = Pick<
  CommonPoolOptions<unknown, readonly unknown[]>,
  'idleTimeout' | 'maxTasksPerChild' | 'maxMemoryPerChild'
>;

interface PoolInUse {
  readonly isUsable: boolean;
  terminate(): Promise<void>;
}

interface Made {
  readonly pool: PoolInUse;
  readonly options: Readonly<Record<string, unknown>>;
}

/** By kind. */
const made = new Map<string, Made>();
const sharedPools = new WeakSet<object>();

/** The shared pool of that kind. Throws `StateError` for options that differ from its own. */
export function sharedPool<Shared extends PoolInUse>(
  kind: 'Pool' | 'ThreadPool',
  count: 'processes' | 'threads',
  options: object | undefined,
  make: (options: object) => Shared,
): Shared {
  const title = `${kind}.shared`;
  checkOptions(title, options, title, `{ ${count}: 4 }`);
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  const before = made.get(kind);
  if (before?.pool.isUsable === true) {
    for (const [name, value] of given) checkSame(title, name, value, before.options[name]);
    return before.pool as Shared;
  }
  // It broke: release its memory.
  if (before !== undefined) {
    sharedPools.delete(before.pool);
    void before.pool.terminate();
  }
  // In a worker the processors are busy with its neighbours: run the tasks in this thread.
  const all = {
    [count]: identity().isPoolWorker === true ? 0 : { min: 0, max: cpuCount() },
    ...Object.fromEntries(given),
  };
  const pool = make({ ...all, name: 'shared' });
  sharedPools.add(pool);
  made.set(kind, { pool, options: all });
  return pool;
}

/** Throws `StateError` if the pool is a shared one, which its users can't end. */
export function checkMayEnd(pool: PoolInUse, title: string, what: string): void {
  if (!isShared(pool)) return;
  throw new StateError(
    `${title}: ${what} refused, other code of this program may use the shared pool, which ends with the program; await your own calls, or make a pool of your own`,
  );
}

export function isShared(pool: PoolInUse): boolean {
  return sharedPools.has(pool);
}

function checkSame(title: string, name: string, value: unknown, first: unknown): void {
  if (isDeepStrictEqual(value, first)) return;
  throw new StateError(
    `${title}: refused, ${name} is ${inspect(value)}, and the shared pool was made with ${first === undefined ? 'the default' : inspect(first)}; ` +
      'pass options only where the program first calls it, or make a pool of your own',
  );
}
