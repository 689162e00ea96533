/** A pool whose shared memory is damaged: it breaks, and never hangs. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';
import { LayoutError, Pool, PoolBrokenError, type Queue, type RawArray, ThreadPool } from 'lockstep';
import { channelOf } from '../support/internals.ts';
import * as targets from '../support/pool-targets.ts';
import { rejection } from '../support/pools.ts';
import { HANG_MS, inTime, PATIENCE_MS } from '../support/until.ts';

/** Words of a ring. */
const HEAD = 16;
const END = 33;
/** Words of the task table. */
const MAGIC = 0;
const SLOT_STATES = 64;
const HEADER_WORDS = 64;
const WORKER_WORDS = 16;

interface Insides {
  readonly array: RawArray<'i32'>;
  readonly tasks: Queue;
  readonly crew: { readonly members: readonly ({ readonly results: Queue } | undefined)[] };
}

const insidesOf = (pool: object): Insides => Reflect.get(pool, 'core');

/** Spoils a word of the ring under the queue; the number of its next item stays. */
function spoil(queue: Queue, word: number): void {
  const { ring } = channelOf(queue);
  const words = Reflect.get(ring, 'words') as Int32Array;
  const at = Reflect.get(ring, 'at') as number;
  Atomics.store(words, at + word, 0x7ffffff1);
}

const DAMAGES: readonly (readonly [what: string, damage: (insides: Insides) => void])[] = [
  ['the head of the ring of tasks', ({ tasks }) => spoil(tasks, HEAD)],
  ['the end of the ring of tasks', ({ tasks }) => [END, END + 1].forEach((word) => void spoil(tasks, word))],
  ['the head of a ring of results', ({ crew }) => spoil(crew.members[1]!.results, HEAD)],
  [
    'the end of a ring of results',
    ({ crew }) => [END, END + 1].forEach((word) => void spoil(crew.members[1]!.results, word)),
  ],
];

for (const [what, damage] of DAMAGES) {
  it(`${what}: no call hangs, and the pool ends`, { timeout: HANG_MS }, async () => {
    await using pool = new Pool({ processes: 1, warm: 0 });
    assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    damage(insidesOf(pool));
    // The worker may be just about to write that word itself, which heals it.
    const outcome = await inTime(
      pool.apply(targets.add, [1, 2]).catch((reason: unknown) => reason),
      'an outcome',
      PATIENCE_MS,
    );
    const isHealed = outcome === 3;
    assert.ok(
      isHealed || outcome instanceof PoolBrokenError || outcome instanceof LayoutError,
      String(outcome),
    );
    await inTime(pool.terminate(), 'the end of the pool', PATIENCE_MS);
  });
}

it('a task table that is none: workers that start refuse it, and the pool breaks', {
  timeout: HANG_MS,
}, async () => {
  await using pool = new Pool({ processes: 1, warm: 0 });
  assert.equal(await pool.apply(targets.add, [1, 2]), 3);
  Atomics.store(insidesOf(pool).array.view as Int32Array, MAGIC, 7);
  const error = await inTime(rejection(pool.apply(targets.exit, [1])), 'the death', PATIENCE_MS);
  assert.match(error.message, /exit code 1/);
  const next = await inTime(rejection(pool.apply(targets.add, [1, 2])), 'the rejection', PATIENCE_MS);
  assert.ok(next instanceof PoolBrokenError, String(next));
  await inTime(pool.terminate(), 'the end of the pool', PATIENCE_MS);
});

it('states of slots that make no sense: no call hangs after a death', { timeout: HANG_MS }, async () => {
  await using pool = new Pool({ processes: 1, warm: 0 });
  assert.equal(await pool.apply(targets.add, [1, 2]), 3);
  const words = insidesOf(pool).array.view as Int32Array;
  words.fill(0x7fffffff, words.length - SLOT_STATES * 16, words.length);
  const outcome = pool.apply(targets.add, [1, 2]).then(
    (value) => assert.equal(value, 3),
    (error: unknown) => assert.ok(error instanceof Error),
  );
  await inTime(outcome, 'an outcome', PATIENCE_MS);
  await inTime(pool.terminate(), 'the end of the pool', PATIENCE_MS);
});

/** The words of the table, by their places in that of a pool with one worker: task-table.ts. */
const TABLE: Record<string, number> = {
  SLOTS: 1,
  WORKERS: 2,
  FUNCTION_BYTES: 3,
  FUNCTIONS: 16,
  IDLE: 32,
  ORDER: HEADER_WORDS + WORKER_WORDS,
  PRIVATE: HEADER_WORDS + WORKER_WORDS + 1,
  PRIVATE_GENERATION: HEADER_WORDS + WORKER_WORDS + 2,
  ABORTED: HEADER_WORDS + WORKER_WORDS + 3,
  STATE: HEADER_WORDS + 2 * WORKER_WORDS,
  CURSOR: HEADER_WORDS + 2 * WORKER_WORDS + 1,
  STARTED: HEADER_WORDS + 2 * WORKER_WORDS + 2,
  'STATE of the next slot': HEADER_WORDS + 3 * WORKER_WORDS,
};
const NONSENSE =
  process.env.LOCKSTEP_MODEL === 'deep' ? [0, 1, -1, 0x7fffffff, 0x12345678] : [-1, 0x7fffffff];
/**
 * Milliseconds for calls to end. A damaged pool may have lost them, and ends them at its own end.
 */
const CALLS_MS = 100;

/** Damages the word while calls of all sorts are under way. Returns the outcomes that are wrong. */
async function useDamaged(word: number, value: number): Promise<string[]> {
  const pool = new ThreadPool(1);
  assert.equal(await pool.apply(targets.add, [1, 2]), 3);
  const words = insidesOf(pool).array.view as Int32Array;
  const under = pool.apply(targets.later, [0, 5]);
  Atomics.store(words, word, value);
  const calls: Record<string, [Promise<unknown>, unknown]> = {
    under: [under, 0],
    apply: [pool.apply(targets.add, [2, 3]), 5],
    'with a key': [pool.apply(targets.add, [3, 4], { key: 'a' }), 7],
    map: [pool.map(targets.square, [1, 2, 3]), [1, 4, 9]],
    stream: [firstOf(pool.stream(targets.countTo, [3])), 0],
  };
  const all = Promise.allSettled(Object.values(calls).map(([call]) => call));
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, CALLS_MS))]);
  Atomics.store(words, word, value);
  await inTime(pool.terminate(), 'the end of the pool', PATIENCE_MS);
  const outcomes = await inTime(all, 'the ends of all calls', PATIENCE_MS);
  return Object.entries(calls).flatMap(([what, [, expected]], n) => {
    const outcome = outcomes[n]!;
    const isRight =
      outcome.status === 'fulfilled'
        ? isDeepStrictEqual(outcome.value, expected)
        : /^ERR_LOCKSTEP/.test(String((outcome.reason as { code?: unknown }).code));
    return isRight ? [] : [`${what}: ${inspect(outcome)}`];
  });
}

async function firstOf(values: AsyncIterable<unknown>): Promise<unknown> {
  for await (const value of values) return value;
  return undefined;
}

for (const [name, word] of Object.entries(TABLE)) {
  it(`nonsense in ${name}: each call has its result or an error with a code, and the pool ends`, {
    timeout: HANG_MS,
  }, async () => {
    const wrong = await Promise.all(NONSENSE.map((value) => useDamaged(word, value)));
    assert.deepEqual(wrong.flat(), []);
  });
}
