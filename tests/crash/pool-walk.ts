/**
 * Takes the worker of a pool through all its points, at the pace that `LOCKSTEP_CRASH` says:
 *
 *   node --conditions=lockstep-crash pool-walk.js FOLDER [TEXT]
 *
 * Prints one line of JSON for each scene's walk. The folder takes the last words of victims.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lock, Pool, Queue, RawArray, Shared, WorkerDiedError } from 'lockstep';
import { newBeside, objectsBeside } from '../support/internals.ts';
import { inTime } from '../support/until.ts';
import { paceOf } from './pace.ts';
import * as targets from './pool-tasks.ts';

type Walked = import('./walk.ts').Walked;
type AnyPool = Pool<unknown, readonly unknown[]>;

const TASKS = 4;
const ITEMS = 12;
/** Values of a stream, and its credit. */
const VALUES = 6;
const AHEAD = 2;
const TOO_MANY = 1000;
/** Most scenes have some seventy points, and each takes the start of a worker or two. */
const FEWER = 7;
/** More than a slow machine needs. */
const SCENE_MS = 120_000;

interface Scene {
  readonly name: string;
  readonly retries: number;
  /** Where not all points are taken: so many times fewer than of other scenes. */
  readonly sparser?: number;
  /** Its walk takes every point of the pace: it has less than twenty, others seventy. */
  readonly short?: true;
  play(pool: AnyPool, armed: Promise<unknown>): Promise<void>;
}

const scenes: readonly Scene[] = [
  {
    name: 'calls',
    retries: 0,
    async play(pool) {
      const { outcomes, counts } = await countAll(pool);
      const lost = outcomes.filter(({ status }) => status === 'rejected');
      assert.ok(lost.length <= 1, `${lost.length} calls were lost with one worker`);
      for (const [n, outcome] of outcomes.entries()) {
        assert.ok(counts[n]! <= 1, `call ${n} ran ${counts[n]} times`);
        if (outcome.status === 'fulfilled') assert.deepEqual([outcome.value, counts[n]], [n, 1]);
        else assert.ok(outcome.reason instanceof WorkerDiedError, String(outcome.reason));
      }
    },
  },
  {
    name: 'calls with a retry',
    retries: 1,
    async play(pool) {
      const { outcomes, counts } = await countAll(pool);
      assert.deepEqual(
        outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason)),
        Array.from({ length: TASKS }, (_, n) => n),
      );
      assert.ok(counts.every((count) => count >= 1 && count <= 2));
      assert.ok(counts.reduce((sum, count) => sum + count) <= TASKS + 1, `they ran ${counts.join()} times`);
    },
  },
  {
    // Nobody is woken for a call while the worker that ran the last one is awake: the armed one.
    name: 'calls one after the other with a retry',
    retries: 1,
    async play(pool, armed) {
      await armed.catch(() => {});
      for (let n = 0; n < TASKS; n++) assert.equal(await pool.apply(targets.square, [n]), n * n);
    },
  },
  {
    name: 'calls with a key and a retry',
    retries: 1,
    sparser: 3,
    async play(pool) {
      const log = new Queue<number>();
      const calls = Array.from({ length: TASKS }, (_, n) => pool.apply(targets.note, [log, n], { key: 'a' }));
      assert.deepEqual(await Promise.all(calls), [0, 1, 2, 3]);
      // One may have run twice: in its place.
      const order: number[] = [];
      for (let n = log.tryGet(); n !== null; n = log.tryGet()) if (order.at(-1) !== n) order.push(n);
      assert.deepEqual(order, [0, 1, 2, 3]);
      log.close();
      log[Symbol.dispose]();
    },
  },
  {
    name: 'a map with a retry',
    retries: 1,
    async play(pool) {
      const items = Array.from({ length: ITEMS }, (_, n) => n);
      assert.deepEqual(await pool.map(targets.square, items), items.map(targets.square));
    },
  },
  {
    name: 'a stream',
    retries: 0,
    sparser: 2,
    async play(pool) {
      using counts = new RawArray('i32', 1);
      const come: number[] = [];
      try {
        const values = pool.stream(targets.give, [counts, VALUES], { key: 'a', ahead: AHEAD });
        for await (const value of values) come.push(value);
        assert.equal(come.length, VALUES);
      } catch (error) {
        assert.ok(error instanceof WorkerDiedError, String(error));
      }
      assert.deepEqual(
        come,
        Array.from(come, (_, n) => n),
      );
      const given = counts.at(0);
      assert.ok(given >= come.length && given <= come.length + AHEAD, `${given} given, ${come.length} read`);
    },
  },
  {
    name: 'calls with a Shared value and a retry',
    retries: 1,
    sparser: 3,
    async play(pool) {
      using table = new Shared({ texts: Array.from({ length: TASKS }, (_, n) => 'x'.repeat(n * 1000)) });
      const calls = Array.from({ length: TASKS }, (_, n) => pool.apply(targets.lengthIn, [table, n]));
      assert.deepEqual(
        await Promise.all(calls),
        Array.from({ length: TASKS }, (_, n) => n * 1000),
      );
    },
  },
  {
    name: 'calls that are given up',
    retries: 0,
    short: true,
    async play(pool, armed) {
      const calls = Array.from({ length: 3 }, () => {
        const controller = new AbortController();
        const call = pool.apply(targets.late, [], { signal: controller.signal });
        return { controller, call };
      });
      const outcomes = Promise.allSettled(calls.map(({ call }) => call));
      await armed.catch(() => {});
      for (const { controller } of calls) controller.abort(new Error('enough'));
      for (const { reason } of (await outcomes) as PromiseRejectedResult[])
        assert.ok(
          reason instanceof WorkerDiedError || (reason as Error).message === 'enough',
          String(reason),
        );
    },
  },
  {
    // The worker notes that it calls process.abort; the next one in its place begins without that
    // note.
    name: 'a call of process.abort',
    retries: 0,
    short: true,
    async play(pool, armed) {
      const call = pool.apply(targets.abort, [], { key: 'a' });
      await armed.catch(() => {});
      const died = await rejected(call);
      assert.ok(died.signal === 'SIGABRT' || died.signal === 'SIGKILL', String(died));
      assert.equal(died.outOfMemory, false, `${died}`);
      const full = await pool.broadcast(targets.abortAsFullHeap, [], { settled: true });
      assert.ok(full.length > 0);
      for (const outcome of full) {
        const { signal, outOfMemory } = (outcome as PromiseRejectedResult).reason as WorkerDiedError;
        // The armed worker may die before that, in another place.
        if (signal === 'SIGABRT') assert.equal(outOfMemory, true, `${signal}`);
      }
    },
  },
];

async function rejected(call: Promise<unknown>): Promise<WorkerDiedError> {
  const error = await call.then(
    () => assert.fail('it has a result'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof WorkerDiedError, String(error));
  return error;
}

async function countAll(
  pool: AnyPool,
): Promise<{ outcomes: PromiseSettledResult<number>[]; counts: number[] }> {
  using counts = new RawArray('i32', TASKS);
  const calls = Array.from({ length: TASKS }, (_, n) => pool.apply(targets.count, [counts, n]));
  const outcomes = await Promise.allSettled(calls);
  return { outcomes, counts: Array.from({ length: TASKS }, (_, n) => counts.at(n)) };
}

/** Plays the scene with a worker that dies at its `k`-th point; returns whether it has died. */
async function play({ retries, play }: Scene, k: number, file: string): Promise<boolean> {
  const pool: AnyPool = new Pool({ processes: 2, retries, grace: 20 });
  await pool.ready;
  // Its own end may be what the worker dies in.
  const armed = pool.apply(targets.armWorker, [k, file], { key: 'a' });
  const after = armed.then(
    () => undefined,
    (error: unknown) => assert.ok(error instanceof WorkerDiedError, String(error)),
  );
  await play(pool, armed);
  await after;
  // The armed worker may die only now.
  assert.equal(await pool.apply(targets.square, [5], { retries: 1 }), 25);
  await pool.close();
  return existsSync(file);
}

function stepOf({ short, sparser = 1 }: Scene): number {
  return pace.step === 1 || short ? pace.step : pace.step * FEWER * sparser;
}

async function walk(scene: Scene, first: number, step: number, folder: string): Promise<Walked> {
  const { name } = scene;
  let deaths = 0;
  let where = 'the start';
  for (let point = first; ; point += step) {
    const file = join(folder, `${name}-${point}`);
    const before = objectsBeside(anchor);
    try {
      const died = await inTime(play(scene, point, file), 'the end of the scene', SCENE_MS);
      assert.deepEqual(newBeside(anchor, before), [], 'cells are left behind');
      // It has fewer points than that; how many fewer, a walk with large steps can't tell.
      if (!died) return { name, deaths, points: point - 1, longest: 0 };
      where = readFileSync(file, 'utf8');
      deaths++;
      assert.ok(point < TOO_MANY, 'the scene does not come to its end');
    } catch (error) {
      const last = existsSync(file) ? readFileSync(file, 'utf8') : `no death, the one before in ${where}`;
      return {
        name,
        deaths,
        points: 0,
        longest: 0,
        failure: `at point ${point} (${last}): ${(error as Error).stack}`,
      };
    }
  }
}

const [, , folder = '', text = ''] = process.argv;
const anchor = new Lock();
const pace = paceOf();
for (const [index, scene] of scenes.entries())
  if (scene.name.includes(text))
    console.log(JSON.stringify(await walk(scene, pace.first(index), stepOf(scene), folder)));
anchor.close();
