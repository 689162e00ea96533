/**
 * A pool in a folder with little room: prints how calls went whose arguments or results do not fit
 * there, and the calls beside them. `pool-without-space <Pool or ThreadPool>`.
 */

import { readdirSync } from 'node:fs';
import { isMainProcess, Pool, ThreadPool } from 'lockstep';

/** More bytes than the folder has room for, and more than a ring holds. */
const TOO_LARGE = 20 * 1024 * 1024;

export function make(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(7);
}

export function lengthOf(bytes: Uint8Array): number {
  return bytes.length;
}

export function* several(sizes: readonly number[]): Generator<Uint8Array> {
  for (const size of sizes) yield make(size);
}

async function outcome(call: PromiseLike<unknown>): Promise<unknown> {
  try {
    const value = await call;
    return value instanceof Uint8Array ? value.length : value;
  } catch (thrown) {
    const { code, message } = thrown as Error & { code?: string };
    return { code, message };
  }
}

/** The files of items, by the agents' folders. */
const items = (): string[] =>
  readdirSync(process.env.LOCKSTEP_DIR!, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(^|\/)item-/.test(name),
  );

async function lengths(values: AsyncIterable<Uint8Array>): Promise<number[]> {
  const all: number[] = [];
  for await (const { length } of values) all.push(length);
  return all;
}

if (isMainProcess && process.argv[2] !== undefined) {
  const pool = process.argv[2] === 'Pool' ? new Pool(1) : new ThreadPool(1);
  await pool.apply(lengthOf, [make(1)]);
  const done = await Promise.all([
    outcome(pool.apply(lengthOf, [make(10)])),
    outcome(pool.apply(lengthOf, [make(TOO_LARGE)])),
    outcome(pool.apply(lengthOf, [make(2 ** 20)])),
    outcome(pool.apply(make, [10])),
    outcome(pool.apply(make, [TOO_LARGE])),
    outcome(pool.apply(make, [2 ** 20])),
    outcome(pool.map(make, [1, TOO_LARGE])),
    outcome(lengths(pool.stream(several, [[3, TOO_LARGE]]))),
    outcome(pool.map(lengthOf, [make(1), make(2)])),
  ]);
  console.log(JSON.stringify({ done, items: items() }));
  await pool.close();
}
