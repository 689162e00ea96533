/** A pool whose shared memory is damaged: it breaks, and never hangs. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { LayoutError, Pool, PoolBrokenError, type Queue, type RawArray } from 'lockstep';
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
