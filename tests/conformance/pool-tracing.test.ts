/** Pools: what they publish on the channels of node:diagnostics_channel. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { it } from 'node:test';
import { Pool, range, ThreadPool } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { rejection } from '../support/pools.ts';
import { HANG_MS, until } from '../support/until.ts';

type Message = Record<string, unknown>;
type Heard = [channel: string, message: Message];

const CALL = 'tracing:lockstep.pool.call:';
const CALLS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((each) => CALL + each);
const WORKERS = ['lockstep.pool.worker.start', 'lockstep.pool.worker.end'];

/** Listens to the channels while `act` runs; returns what was heard. */
async function hearing(
  names: readonly string[],
  act: (heard: readonly Heard[]) => Promise<void>,
): Promise<Heard[]> {
  const heard: Heard[] = [];
  const listen = (message: unknown, name: string | symbol): void => {
    heard.push([String(name).replace(CALL, ''), message as Message]);
  };
  for (const name of names) subscribe(name, listen);
  try {
    await act(heard);
  } finally {
    for (const name of names) unsubscribe(name, listen);
  }
  return heard;
}

const steps = (heard: readonly Heard[]): string => heard.map(([name]) => name).join(' ');
const DONE = 'start end asyncStart asyncEnd';
const FAILED = 'start end error asyncStart asyncEnd';

for (const Kind of [Pool, ThreadPool]) {
  const { name: kind } = Kind;

  it(`${kind}: a call is published with its worker, its times and its result`, {
    timeout: HANG_MS,
  }, async () => {
    await using pool = new Kind({ processes: 1, name: 'traced' });
    const common = { pool: `${kind} "traced"`, method: 'apply' };
    const worker = await pool.apply(targets.whoami);
    for (const make of [
      () => pool.apply(targets.square, [3]),
      () => pool.submit(targets.square, [3]),
      async () => pool.applySync(targets.square, [3]),
    ]) {
      const heard = await hearing(CALLS, async () => assert.equal(await make(), 9));
      assert.equal(steps(heard), DONE);
      const [, message] = heard[0]!;
      for (const [, each] of heard) assert.equal(each, message);
      const { waitTime, runTime, ...rest } = message;
      assert.deepEqual(rest, { ...common, function: 'square', result: 9, worker });
      assert.ok((waitTime as number) >= 0 && (runTime as number) >= 0);
    }
    const failed = await hearing(CALLS, async () => void (await rejection(pool.apply(targets.fail, [3]))));
    assert.equal(steps(failed), FAILED);
    assert.match(String(failed[0]![1].error), /3/);
    const refused = await hearing(CALLS, async () => {
      await rejection(pool.apply(targets.same, [() => 1]));
    });
    assert.equal(steps(refused), 'start error end');
  });

  it(`${kind}: a call with items is published once, with their numbers`, { timeout: HANG_MS }, async () => {
    await using pool = new Kind({ processes: 2 });
    const map = await hearing(CALLS, async () => {
      assert.equal((await pool.map(targets.square, range(1000))).length, 1000);
    });
    assert.equal(steps(map), DONE);
    const { result, ...rest } = map[0]![1];
    assert.equal((result as unknown[]).length, 1000);
    assert.deepEqual(rest, { pool: kind, method: 'map', function: 'square', done: 1000, failed: 0 });
    const imap = await hearing(CALLS, async () => {
      for await (const _ of pool.imap(targets.square, range(10)));
    });
    assert.equal(steps(imap), DONE);
    assert.deepEqual(imap[0]![1], { pool: kind, method: 'imap', function: 'square', done: 10, failed: 0 });
    const failed = await hearing(CALLS, async () => void (await rejection(pool.map(targets.fail, [1, 2]))));
    assert.equal(steps(failed), FAILED);
    assert.equal(failed[0]![1].failed, 2);
    const late = await hearing(CALLS, async (heard) => {
      await rejection(pool.map(targets.untilAborted, [1], { timeout: 5 }));
      await until(() => heard.length === 5, 'its end is published');
    });
    assert.equal(steps(late), FAILED);
    assert.equal((late[0]![1].error as { code?: string }).code, 'ERR_LOCKSTEP_TASK_TIMEOUT');
    const streamed = await hearing(CALLS, async () => {
      for await (const _ of pool.stream(targets.requestsYielded));
    });
    assert.equal(steps(streamed), DONE);
    assert.equal(streamed[0]![1].method, 'stream');
  });

  it(`${kind}: each worker is published when it is ready, and when it has ended`, {
    timeout: HANG_MS,
  }, async () => {
    const heard = await hearing(WORKERS, async () => {
      await using pool = new Kind({ processes: 1, maxTasksPerChild: 2, name: 'watched' });
      await rejection(pool.apply(targets.exit, [3]));
      // The second worker retires after two, and the third runs one.
      for (let n = 0; n < 3; n++) await pool.apply(targets.square, [n]);
      await pool.close();
    });
    const pools = heard.map(([, { pool }]) => pool);
    assert.deepEqual([...new Set(pools)], [`${kind} "watched"`]);
    const ends = heard.filter(([name]) => name === WORKERS[1]).map(([, message]) => message);
    assert.deepEqual(ends.map(({ cause, tasks }) => [cause, tasks]).sort(), [
      ['exit', 0],
      ['recycled', 2],
      ['stopped', 1],
    ]);
    assert.equal(ends.find(({ cause }) => cause === 'exit')?.exitCode, 3);
    const began = heard.filter(([name]) => name === WORKERS[0]).map(([, message]) => message);
    assert.deepEqual(began.map(({ worker }) => worker).sort(), ends.map(({ worker }) => worker).sort());
    for (const { startTime } of began) assert.ok((startTime as number) > 0);
  });
}

it('a call within stores that are bound to it: its capture sees them', { timeout: HANG_MS }, async () => {
  const span = new AsyncLocalStorage<string>();
  const start = channel(`${CALL}start`);
  start.bindStore(span, (message) => `span of ${(message as Message).function}`);
  try {
    const capture = (): unknown => ({ id: span.getStore() });
    await using pool = new Pool({ processes: 0, context: { capture, restore: targets.restoreRequest } });
    assert.equal(await pool.apply(targets.requestOf, [1]), 'span of requestOf');
    assert.deepEqual(await pool.map(targets.requestOf, [1]), ['span of requestOf']);
    assert.equal(pool.applySync(targets.requestOf, [1]), 'span of requestOf');
    assert.deepEqual(pool.mapSync(targets.requestOf, [1]), ['span of requestOf']);
    assert.equal(span.getStore(), undefined);
  } finally {
    start.unbindStore(span);
  }
});

it('processes: 0: a blocking call is published, too', { timeout: HANG_MS }, async () => {
  await using pool = new Pool(0);
  const heard = await hearing(CALLS, async () => {
    assert.equal(pool.applySync(targets.square, [3]), 9);
    assert.throws(() => pool.applySync(targets.fail, [3]));
    assert.deepEqual(pool.mapSync(targets.square, [3]), [9]);
  });
  assert.equal(steps(heard), [DONE, FAILED, DONE].join(' '));
  assert.deepEqual(heard.at(-1)![1].method, 'mapSync');
});
