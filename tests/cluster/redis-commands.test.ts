/** How many commands the cluster asks a Redis server for. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until } from '../support/until.ts';
import { RedisFile } from './servers/redis-file.ts';

const LEASE_MS = 3_000;
const HELD = 1_000;

const redis = new RedisFile();

async function stats(): Promise<string> {
  return String(await redis.ask('INFO', 'commandstats'));
}

/** Commands of clients while `act` runs, by name. */
async function countDuring(act: () => Promise<void>): Promise<Record<string, number>> {
  await redis.ask('CONFIG', 'RESETSTAT');
  await act();
  const counts: Record<string, number> = {};
  for (const [, name, calls] of (await stats()).matchAll(/^cmdstat_(\w+):calls=(\d+)/gm))
    counts[name!] = Number(calls);
  return counts;
}

it('a free lock is taken by one command, and released by one', async () => {
  const lock = (await redis.join({ lease: 60_000 })).lock('free');
  await (await lock.acquire()).release();
  const pairs = 20;
  const { evalsha, eval: whole = 0 } = await countDuring(async () => {
    for (let i = 0; i < pairs; i++) await (await lock.acquire()).release();
  });
  assert.equal(evalsha, 2 * pairs);
  assert.equal(whole, 0, 'the server knows the script');
});

it('a waiter asks twice: to join the queue, and to claim what it is offered', async () => {
  const [one, other] = [await redis.join({ lease: 60_000 }), await redis.join({ lease: 60_000 })];
  const [lock, same] = [one.lock('handed'), other.lock('handed')];
  await (await lock.acquire()).release();
  const rounds = 10;
  let looks = 0;
  const { evalsha } = await countDuring(async () => {
    for (let i = 0; i < rounds; i++) {
      const hold = await lock.acquire();
      const next = same.acquire();
      await until(async () => {
        looks++;
        return (await lock.describe()).waiting === 1;
      }, 'the other to wait');
      await hold.release();
      await (await next).release();
    }
  });
  // For each: two to take and release at once, two to wait and claim, one to release.
  assert.equal(evalsha! - looks, rounds * 5);
});

it(`${HELD} held locks cost a renewal each third of a lease, and nothing else`, async () => {
  const cluster = await redis.join({ lease: LEASE_MS });
  const valid: boolean[] = [];
  for (let i = 0; i < HELD; i++) valid.push((await cluster.lock(`held-${i}`).acquire()).valid);
  const start = performance.now();
  const { pexpire = 0, ...others } = await countDuring(() =>
    until(async () => /cmdstat_pexpire:calls=([2-9]|\d\d)/.test(await stats()), 'two renewals'),
  );
  const thirds = (performance.now() - start) / (LEASE_MS / 3);
  assert.ok(pexpire <= Math.ceil(thirds) + 1, `${pexpire} renewals in ${thirds} thirds of a lease`);
  const asked = Object.keys(others).filter((name) => name !== 'config' && name !== 'info');
  assert.deepEqual(asked, [], 'nothing else was asked for');
  assert.ok(valid.every((each) => each));
});
