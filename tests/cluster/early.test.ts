/** Holds of a waiter that goes in when the offer arrives, while its claim is on the way. */

import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import type { Cluster } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import { createClient } from 'redis';
import { until } from '../support/until.ts';
import { RedisServer } from './servers/redis.ts';

let server: RedisServer;
let late: ReturnType<typeof createClient>;
let closers: (() => Promise<void> | void)[] = [];
/** While it is set, commands of the late client wait for it. */
let gate: Promise<void> | undefined;

before(async () => {
  server = await RedisServer.start();
  late = createClient({ url: server.url });
  await late.connect();
});
afterEach(async () => {
  gate = undefined;
  await Promise.all(closers.map((close) => close()));
  closers = [];
});
after(async () => {
  late.destroy();
  await server.stop();
});

async function join(redis: string | typeof late = server.url): Promise<Cluster> {
  const cluster = await connect({ redis, lease: 20_000 });
  closers.push(() => cluster.close());
  return cluster;
}

/** A connection whose commands can be kept back. */
function joinLate(): Promise<Cluster> {
  return join(
    new Proxy(late, {
      get(target, name): unknown {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        if (name !== 'sendCommand') return value.bind(target);
        return async (args: string[]) => {
          await gate;
          return target.sendCommand(args);
        };
      },
    }),
  );
}

/** Keeps back the commands of the late client until the result is called. */
function shut(): () => void {
  let open!: () => void;
  gate = new Promise((resolve) => {
    open = resolve;
  });
  return () => {
    gate = undefined;
    open();
  };
}

async function untilWaiting(cluster: Cluster, name: string, count: number): Promise<void> {
  await until(async () => (await cluster.lock(name).describe()).waiting === count, `${count} to wait`);
}

it('a waiter is in before the server has answered its claim, and has the token that the server notes', async () => {
  const [one, other] = [await join(), await joinLate()];
  const [mine, theirs] = [one.lock('early'), other.lock('early')];
  const hold = await mine.acquire();
  const next = theirs.acquire();
  await untilWaiting(one, 'early', 1);
  const open = shut();
  await hold.release();
  const early = await next;
  assert.ok(early.valid);
  assert.ok(early.token > hold.token);
  assert.equal((await mine.describe()).token, null, 'the claim is still on its way');
  open();
  await until(async () => (await mine.describe()).token === early.token, 'the claim to arrive');
  assert.equal(early.signal.aborted, false);
  await early.release();
  assert.equal(await mine.locked, false);
});

it('whoever comes too late with its claim has lost the hold, and the next is in', async () => {
  const [one, other] = [await join(), await joinLate()];
  const [mine, theirs] = [one.lock('late'), other.lock('late')];
  const hold = await mine.acquire();
  const next = theirs.acquire();
  await untilWaiting(one, 'late', 1);
  const last = mine.acquire();
  await untilWaiting(one, 'late', 2);
  const open = shut();
  await hold.release();
  const early = await next;
  const third = await last;
  assert.ok(third.valid);
  assert.equal(early.valid, false, 'it is not sure any more');
  assert.equal(early.signal.aborted, false, 'nor does it know');
  assert.ok(third.token > early.token);
  open();
  await until(() => early.signal.aborted, 'the answer to its claim');
  assert.equal((early.signal.reason as { code: string }).code, 'ERR_LOCKSTEP_LEASE_LOST');
  await assert.rejects(early.release(), { code: 'ERR_LOCKSTEP_LEASE_LOST' });
  assert.ok(third.valid);
  await third.release();
  await until(async () => (await mine.describe()).waiting === 0, 'nobody to wait');
  assert.equal(await mine.locked, false);
});

it('a claim that comes late, but before anybody has looked, still counts', async () => {
  const [one, other] = [await join(), await joinLate()];
  const [mine, theirs] = [one.lock('alone'), other.lock('alone')];
  const hold = await mine.acquire();
  const next = theirs.acquire();
  await untilWaiting(one, 'alone', 1);
  const open = shut();
  await hold.release();
  const early = await next;
  await until(() => !early.valid, 'the offer to run out');
  open();
  await until(() => early.valid, 'the answer to its claim');
  await early.release();
  assert.equal(await mine.locked, false);
});

it('a hold that is released before its claim was answered is free', async () => {
  const [one, other] = [await join(), await joinLate()];
  const [mine, theirs] = [one.lock('short'), other.lock('short')];
  const hold = await mine.acquire();
  const next = theirs.acquire();
  await untilWaiting(one, 'short', 1);
  const open = shut();
  await hold.release();
  const released = (await next).release();
  open();
  await released;
  assert.deepEqual(await mine.describe(), { ...(await theirs.describe()), locked: false, waiting: 0 });
});
