/** The suites of pools, each over processes and over threads. */

import { describe, it } from 'node:test';
import type { PoolOptions, TaskOptions } from 'lockstep';
import { Pool, ThreadPool } from 'lockstep';
import { HANG_MS } from './until.ts';

export type AnyPool = Pool<unknown, readonly unknown[]>;

/** Cases that run at a time: they wait more than they work. */
const SIDE_BY_SIDE = 4;

export interface PoolStage {
  readonly kind: 'Pool' | 'ThreadPool';
  readonly isProcess: boolean;
  /** Runs `body` with a pool, which is ended afterwards, whatever happens. */
  withPool<Result>(
    options: PoolOptions<unknown, readonly unknown[]>,
    body: (pool: AnyPool) => Promise<Result>,
  ): Promise<Result>;
  make(options?: PoolOptions<unknown, readonly unknown[]>): AnyPool;
  it(sentence: string, body: () => Promise<void>): void;
  omit(sentence: string, reason: string): void;
}

/** Defines a suite once for processes and once for threads. */
export function poolSuite(contract: string, define: (stage: PoolStage) => void): void {
  for (const kind of ['Pool', 'ThreadPool'] as const) {
    describe(`${contract}: ${kind}`, { concurrency: SIDE_BY_SIDE }, () => define(stageOf(kind)));
  }
}

function stageOf(kind: 'Pool' | 'ThreadPool'): PoolStage {
  const make = (options: PoolOptions<unknown, readonly unknown[]> = {}): AnyPool =>
    (kind === 'Pool' ? new Pool(options) : new ThreadPool(options)) as AnyPool;
  return {
    kind,
    isProcess: kind === 'Pool',
    make,
    async withPool(options, body) {
      const pool = make(options);
      try {
        return await body(pool);
      } finally {
        await pool.terminate();
      }
    },
    it: (sentence, body) => void it(sentence, { timeout: HANG_MS }, body),
    omit: (sentence, reason) => void it(sentence, { skip: reason }),
  };
}

/** The error that a promise rejects with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not reject');
}

export const within = (options: TaskOptions): TaskOptions => options;
