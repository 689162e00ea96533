/**
 * Pools whose workers are killed at random moments: each task has exactly one outcome. And pools
 * whose program is killed: nothing is left.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { activeChildren, Pool, RawArray, type Thread, ThreadPool, WorkerDiedError } from 'lockstep';
import { Random } from '../soak/random.ts';
import * as targets from '../support/pool-targets.ts';
import { processesOf } from '../support/processes.ts';
import { sandbox } from '../support/sandbox.ts';
import { until } from '../support/until.ts';
import { Killer } from './pool-killer.ts';
import { Storm } from './pool-storm.ts';

const IS_DEEP = process.env.LOCKSTEP_MODEL === 'deep';
const TASKS = IS_DEEP ? 200_000 : 20_000;
const WORKERS = IS_DEEP ? 4 : 2;
const WEATHER = IS_DEEP ? { every: 200, between: 1000 } : { every: 50, between: 2000 };
const SEED = 7;
/** One task in so many has a key, and so many keys there are. */
const KEYED = 4;
const KEYS = 8;

interface Form {
  readonly kind: 'Pool' | 'ThreadPool';
  readonly retries: number;
  /** Whether another thread kills, and not the pool's own between its other work. */
  readonly elsewhere?: true;
}

const DEEP_FORMS: readonly Form[] = [
  { kind: 'Pool', retries: 0, elsewhere: true },
  { kind: 'Pool', retries: 3, elsewhere: true },
  { kind: 'ThreadPool', retries: 0 },
];
const FORMS: readonly Form[] = [
  { kind: 'Pool', retries: 0 },
  { kind: 'Pool', retries: 3 },
  { kind: 'ThreadPool', retries: 3 },
  ...(IS_DEEP ? DEEP_FORMS : []),
];

interface Insides {
  readonly crew: {
    readonly members: readonly ({ readonly child: Thread; readonly state: string } | undefined)[];
  };
}

/** The threads that take tasks. Three in a row that end before they do break the pool. */
function threadsOf(pool: object): Thread[] {
  const { crew } = Reflect.get(pool, 'core') as Insides;
  return crew.members.flatMap((member) => (member?.state === 'ready' ? [member.child] : []));
}

for (const { kind, retries, elsewhere } of FORMS) {
  const tasks = IS_DEEP || kind === 'Pool' ? TASKS : TASKS / 2;
  const by = elsewhere ? ' by another thread' : '';
  test(`${kind}: ${tasks} tasks while workers are killed${by}, with ${retries} retries: one outcome each`, async (t) => {
    const began = performance.now();
    await using pool =
      kind === 'Pool'
        ? new Pool({ processes: WORKERS, retries })
        : new ThreadPool({ threads: WORKERS, retries });
    using counts = new RawArray('i32', tasks);
    /** Outcomes by task: 1 done, 2 lost. */
    const outcomes = new Uint8Array(tasks);
    let done = 0;
    let lost = 0;
    const workers = kind === 'Pool' ? activeChildren : () => threadsOf(pool);
    const storm = elsewhere
      ? new Killer(pool, WEATHER.every, SEED + retries)
      : new Storm(() => done + lost, new Random(SEED, retries), WEATHER, workers);
    const settle = (n: number, outcome: 1 | 2): void => {
      assert.equal(outcomes[n], 0, `task ${n} has a second outcome`);
      outcomes[n] = outcome;
      if (outcome === 1) done++;
      else lost++;
    };
    const call = (n: number): Promise<void> => {
      const key = n % KEYED === 0 ? (n / KEYED) % KEYS : undefined;
      return pool.apply(targets.countRun, [counts, n], { key }).then(
        (value) => {
          assert.equal(value, n);
          settle(n, 1);
        },
        (error) => {
          assert.ok(error instanceof WorkerDiedError, String(error));
          settle(n, 2);
        },
      );
    };
    const flows = Array.from({ length: 64 }, async (_, flow) => {
      for (let n = flow; n < tasks; n += 64) await call(n);
    });
    await Promise.all(flows);
    await storm.calm();
    const { killed } = storm;
    const { starts, restarts } = pool.stats;
    const { warm, cold, meanTime } = starts;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    t.diagnostic(
      `${seconds} s, ${killed} kills, ${restarts} restarts, ${done} done, ${lost} lost; ${warm} warm starts, ${cold} cold, ${meanTime.toFixed()} ms each`,
    );
    assert.equal(done + lost, tasks);
    assert.ok(killed > 0, 'somebody was killed');
    let sum = 0;
    for (let n = 0; n < tasks; n++) {
      const runs = counts.at(n);
      sum += runs;
      assert.ok(runs <= retries + 1, `task ${n} ran ${runs} times`);
      if (outcomes[n] === 1) assert.ok(runs >= 1, `task ${n} has a result, and never ran`);
    }
    assert.ok(sum <= tasks + killed, `${tasks} tasks ran ${sum} times in ${killed} kills`);
    if (retries > 0) assert.equal(lost, 0);
    else assert.ok(lost <= killed, `${lost} lost in ${killed} kills`);
  });
}

test('a map while workers are killed: with retries every item has its result', async () => {
  await using pool = new Pool({ processes: 2 });
  let done = 0;
  const storm = new Storm(() => done, new Random(SEED), { ...WEATHER, most: 4 });
  const results = await pool.map(
    targets.square,
    Array.from({ length: TASKS * 10 }, (_, n) => n),
    {
      retries: 20,
      onProgress: (progress) => {
        done = progress.done;
      },
    },
  );
  storm.calm();
  assert.ok(results.every((value, n) => value === n * n));
});

test('a program that is killed leaves neither processes nor, for the next one, files', async () => {
  const program = fileURLToPath(new URL('../programs/has-pool.js', import.meta.url));
  for (const how of ['SIGKILL', 'SIGTERM', 'SIGINT', 'exit'] as const) {
    const child = spawn(process.execPath, [program, how === 'exit' ? 'exit' : 'stay'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const ended = once(child, 'exit');
    if (how !== 'exit') child.kill(how);
    await ended;
    await until(() => processesOf(sandbox).length === 0, `the workers to end after ${how}`);
  }
  // The next program sweeps.
  const last = spawn(process.execPath, [program, 'exit'], { stdio: 'ignore' });
  await once(last, 'exit');
  const own = readdirSync(sandbox).length;
  assert.ok(own <= 1, `${own} folders are left`);
});
