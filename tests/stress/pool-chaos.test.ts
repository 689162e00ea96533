/**
 * Pools in a storm: workers are killed, stopped for a moment and recycled, while calls with keys
 * and priorities are given up and run out of time, and maps have items of very different length.
 * Each call and each item has exactly one outcome, and runs no more often than it may.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pool, RawArray, TaskTimeoutError, WorkerDiedError } from 'lockstep';
import { Random } from '../soak/random.ts';
import * as targets from '../support/pool-targets.ts';
import { until } from '../support/until.ts';
import { Storm } from './pool-storm.ts';

const IS_DEEP = process.env.LOCKSTEP_MODEL === 'deep';
const SEED = Number(process.env.LOCKSTEP_SEED ?? 20_251);
const TASKS = IS_DEEP ? 200_000 : 1500;
const ITEMS = IS_DEEP ? 50_000 : 2000;
const WORKERS = IS_DEEP ? 4 : 2;
const FLOWS = 64;
const MOST_TASKS = IS_DEEP ? 50 : 150;
const KEYS = 8;
const MOST_RETRIES = 3;
/** Milliseconds within which a call is given up. */
const LATEST_CANCEL = 5;
/** The short run is struck by its progress alone, however fast the machine is. */
const OVER_CALLS = IS_DEEP ? { every: 200, between: 200, stops: 40 } : { every: 0, between: 200, stops: 40 };
/** A short map lasts longer than this, as its items take their time. */
const OVER_ITEMS = IS_DEEP
  ? { every: 200, between: 1, stops: 40, most: 100 }
  : { every: 40, between: 0, stops: 40, most: 4 };

type Fate = 'done' | 'cancelled' | 'late' | 'lost';

const ENOUGH = new Error('enough');

test(`${TASKS} calls in a storm: one outcome each (seed ${SEED})`, async (t) => {
  await using pool = new Pool({ processes: WORKERS, maxTasksPerChild: MOST_TASKS, grace: 10 });
  using counts = new RawArray('i32', TASKS);
  const fates: Record<Fate, number> = { done: 0, cancelled: 0, late: 0, lost: 0 };
  const settled = (): number => fates.done + fates.cancelled + fates.late + fates.lost;
  const random = new Random(SEED);
  const storm = new Storm(settled, new Random(SEED, 1), OVER_CALLS);

  async function call(n: number): Promise<void> {
    const retries = random.below(MOST_RETRIES + 1);
    const isLate = random.percent(1);
    const isCancelled = !isLate && random.percent(5);
    const controller = isCancelled ? new AbortController() : undefined;
    const target: (counts: RawArray<'i32'>, index: number) => number | Promise<number> = isLate
      ? targets.countAndStay
      : targets.countRun;
    const answer = pool.apply(target, [counts, n], {
      retries,
      key: random.percent(25) ? random.below(KEYS) : undefined,
      priority: random.below(5) - 2,
      timeout: isLate ? 1 + random.below(3) : undefined,
      signal: controller?.signal,
    });
    if (controller !== undefined) {
      const delay = random.below(LATEST_CANCEL);
      if (delay === 0) controller.abort(ENOUGH);
      else setTimeout(() => controller.abort(ENOUGH), delay);
    }
    const outcome = await answer.then(
      (value): [Fate, unknown] => ['done', value],
      (error): [Fate, unknown] => [fateOf(error), error],
    );
    const [fate, value] = outcome;
    fates[fate]++;
    storm.look();
    const runs = counts.at(n);
    if (fate === 'done') assert.equal(value, n);
    else if (fate === 'late') assert.ok(isLate, String(value));
    else if (fate === 'cancelled') assert.ok(isCancelled, String(value));
    else assert.equal((value as WorkerDiedError).attempts, retries + 1);
    assert.ok(runs <= retries + 1, `call ${n} ran ${runs} times with ${retries} retries`);
    if (fate === 'done') assert.ok(runs >= 1, `call ${n} has a result, and never ran`);
  }

  async function flow(first: number): Promise<void> {
    for (let n = first; n < TASKS; n += FLOWS) await call(n);
  }

  await Promise.all(Array.from({ length: FLOWS }, (_, first) => flow(first)));
  storm.calm();
  const { stats } = pool;
  t.diagnostic(
    `${JSON.stringify(fates)}, ${storm.killed} kills, ${storm.stopped} stops, ${stats.recycled} recycled`,
  );
  assert.equal(settled(), TASKS);
  assert.ok(storm.killed > 0 && storm.stopped > 0 && stats.recycled > 0);
  assert.equal(stats.done, fates.done);
  assert.equal(stats.failed + stats.cancelled, fates.cancelled + fates.late + fates.lost);
  await until(() => pool.stats.handedOut === 0, 'what was given up to end');
  assert.equal(pool.stats.queued, 0);
  await pool.close();
  // What was given up and ran on has ended by now.
  for (let n = 0; n < TASKS; n++) assert.ok(counts.at(n) <= MOST_RETRIES + 1, `call ${n} ran too often`);
});

function fateOf(error: unknown): Fate {
  if (error === ENOUGH) return 'cancelled';
  if (error instanceof TaskTimeoutError) return 'late';
  assert.ok(error instanceof WorkerDiedError, String(error));
  return 'lost';
}

/** Microseconds that items take, by Pareto: a few take a thousand times as long as most. */
function durations(count: number): number[] {
  const random = new Random(SEED, 2);
  return Array.from({ length: count }, () => {
    const chance = (random.below(1_000_000) + 1) / 1_000_001;
    return Math.min(20 * chance ** (-1 / 1.1), 20_000);
  });
}

for (const settled of [false, true]) {
  const what = settled ? 'settled: each item has one outcome' : 'with retries: all results';
  test(`an unbalanced map of ${ITEMS} items in a storm, ${what} (seed ${SEED})`, async (t) => {
    await using pool = new Pool(WORKERS);
    using counts = new RawArray('i32', ITEMS);
    let done = 0;
    const storm = new Storm(() => done, new Random(SEED, 3), OVER_ITEMS);
    const items = durations(ITEMS).map((time, n) => [counts, n, time] as const);
    const common = {
      onProgress: (progress: { done: number }) => {
        done = progress.done;
      },
    };
    if (settled) {
      const outcomes = await pool.starmap(targets.countAndWork, items, { ...common, settled: true });
      assert.equal(outcomes.length, ITEMS);
      let lost = 0;
      for (const [n, outcome] of outcomes.entries()) {
        const runs = counts.at(n);
        if (outcome.status === 'fulfilled') assert.deepEqual([outcome.value, runs], [n, 1]);
        else {
          lost++;
          assert.ok(outcome.reason instanceof WorkerDiedError, String(outcome.reason));
          assert.ok(runs <= 1, `item ${n} ran ${runs} times`);
        }
      }
      t.diagnostic(`${storm.killed} kills, ${storm.stopped} stops, ${lost} items lost`);
      assert.ok(storm.killed > 0 || lost === 0, `${lost} items were lost, and nobody was killed`);
    } else {
      const retries = 1000;
      const results = await pool.starmap(targets.countAndWork, items, { ...common, retries });
      assert.deepEqual(
        results,
        items.map((_, n) => n),
      );
      t.diagnostic(`${storm.killed} kills, ${storm.stopped} stops`);
      for (let n = 0; n < ITEMS; n++) {
        const runs = counts.at(n);
        assert.ok(runs >= 1 && runs <= 1 + storm.killed, `item ${n} ran ${runs} times`);
      }
    }
    storm.calm();
    assert.ok(storm.killed + storm.stopped > 0);
    await pool.close();
  });
}
