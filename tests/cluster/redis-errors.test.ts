/** What a program sees when a Redis server refuses, forgets or fails over. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Redis } from 'ioredis';
import type { ConnectOptions } from 'lockstep/cluster';
import { createClient } from 'redis';
import { until } from '../support/until.ts';
import { ToxicProxy } from './nemesis/proxy.ts';
import { freePort } from './servers/redis.ts';
import { RedisFile } from './servers/redis-file.ts';

const file = new RedisFile();

function refused(options: object, code: string, message: RegExp): Promise<void> {
  return assert.rejects(file.join(options), { code, message });
}

it('connect says why the server can not be used', async () => {
  const STORE = 'ERR_LOCKSTEP_STORE';
  const { port } = file.server;
  await file.ask('ACL', 'SETUSER', 'few', 'on', '>secret', '~*', '+info', '+ping', '+hello', '+client');
  await refused({ redis: `redis://few:wrong@127.0.0.1:${port}` }, STORE, /WRONGPASS.*check the user and/);
  await refused({ redis: `redis://few:secret@127.0.0.1:${port}` }, STORE, /NOPERM.*give the user the rights/);
  await refused(
    { redis: `redis://127.0.0.1:${await freePort()}`, lease: 500 },
    STORE,
    /ECONNREFUSED.*start it/,
  );
});

it('a user with the rights that the guide names can do all', async () => {
  const rights = [
    '~{narrow}:*',
    '&{narrow}:*',
    '+@connection',
    '+@scripting',
    '+@pubsub',
    '+@read',
    '+@write',
  ];
  await file.ask('ACL', 'SETUSER', 'enough', 'on', '>secret', ...rights, '+info', '+time');
  const redis = `redis://enough:secret@127.0.0.1:${file.server.port}`;
  const [one, other] = [
    await file.join({ redis, namespace: 'narrow' }),
    await file.join({ redis, namespace: 'narrow' }),
  ];
  const hold = await one.lock('it').acquire();
  const next = other.lock('it').acquire();
  await until(async () => (await one.lock('it').describe()).waiting === 1, 'the other to wait');
  await hold.release();
  await (await next).release();
  const got = other.queue('items').get();
  await one.queue('items').put('a');
  assert.equal(await got, 'a');
  assert.equal(await one.value('number').add(1), 0);
});

it('connect refuses what can not be meant, before it asks a server', async () => {
  const TYPE = 'ERR_LOCKSTEP_INVALID_TYPE';
  for (const redis of ['nonsense', '', 'http://localhost', 'postgres://localhost'])
    await refused({ redis }, TYPE, /redis is not a URL of such a server/);
  await refused({ redis: file.server.url, lease: 'x' }, TYPE, /lease is 'x'/);
  await refused({ redis: file.server.url, namespace: 5 }, TYPE, /namespace is 5/);
  for (const namespace of ['', 'a b', 'x'.repeat(101), '{a}'])
    await refused({ redis: file.server.url, namespace }, 'ERR_LOCKSTEP_NAME', /can't be a namespace/);
});

it('a server without free memory refuses items; locks are taken and released, and items taken out', async () => {
  const cluster = await file.join();
  const queue = cluster.queue<number>('full');
  await queue.put(1);
  const hold = await cluster.lock('held').acquire();
  await file.ask('CONFIG', 'SET', 'maxmemory', '1');
  try {
    await assert.rejects(queue.put(2), { code: 'ERR_LOCKSTEP_STORE', message: /OOM.*raise its maxmemory/ });
    assert.equal(await queue.get(), 1);
    await hold.release();
    await (await cluster.lock('held').acquire()).release();
  } finally {
    await file.ask('CONFIG', 'SET', 'maxmemory', '0');
  }
  assert.equal(await cluster.lock('held').locked, false);
  assert.equal(await queue.size, 0);
});

it('a client that its program closes ends the calls that wait, as it never comes back', async () => {
  const nodeRedis = createClient({ url: file.server.url });
  await nodeRedis.connect();
  const ioredis = new Redis(file.server.url);
  const closers: [unknown, () => unknown][] = [
    [nodeRedis, () => nodeRedis.destroy()],
    [ioredis, () => ioredis.disconnect()],
  ];
  for (const [redis, close] of closers) {
    const other = await file.join();
    const hold = await other.lock('closed').acquire();
    const cluster = await file.join({ redis, lease: 500 } as ConnectOptions);
    const waits = cluster.lock('closed').acquire();
    await until(async () => (await other.lock('closed').describe()).waiting === 1, 'it to wait');
    close();
    const closed = {
      code: 'ERR_LOCKSTEP_STORE',
      message: /the program has closed the client; connect again/,
    };
    await assert.rejects(waits, closed);
    await assert.rejects(cluster.lock('closed').acquire(), closed);
    await assert.rejects(cluster.value('closed').get(), closed);
    await cluster.close();
    await hold.release();
  }
});

it('while the server is a replica, calls wait; they go on when it is the primary again', async () => {
  const cluster = await file.join();
  const lock = cluster.lock('moved');
  const suspended = new Promise((resolve) => cluster.once('suspended', resolve));
  await file.ask('REPLICAOF', '127.0.0.1', '1');
  await refused({ redis: file.server.url }, 'ERR_LOCKSTEP_STORE', /READONLY.*check its URL/);
  const held = lock.acquire();
  await suspended;
  await file.ask('REPLICAOF', 'NO', 'ONE');
  const hold = await held;
  assert.ok(hold.valid);
  await hold.release();
});

it('an answer that comes after its call was given up, from a server that has forgotten all, harms nobody', async () => {
  const proxy = await ToxicProxy.before(file.server.port);
  const cluster = await file.join({ redis: `redis://127.0.0.1:${proxy.port}`, lease: 2000 });
  const lock = cluster.lock('late');
  const hold = await lock.acquire();
  const lost = new Promise((resolve) => cluster.once('lost', resolve));
  proxy.hold();
  const released = assert.rejects(hold.release(), { code: 'ERR_LOCKSTEP_LEASE_LOST' });
  await new Promise((resolve) => cluster.once('suspended', resolve));
  await file.ask('SCRIPT', 'FLUSH');
  await file.ask('FLUSHALL');
  proxy.pass();
  await Promise.all([released, lost]);
  await until(() => cluster.state === 'connected', 'a new session');
  await (await lock.acquire()).release();
  await cluster.close();
  await proxy.close();
});

it('a wait for a notification ends with its lease, not with its timeout, while the lock is out of reach', async () => {
  const proxy = await ToxicProxy.before(file.server.port);
  const cluster = await file.join({ redis: `redis://127.0.0.1:${proxy.port}`, lease: 600 });
  const condition = cluster.condition('away');
  const hold = await condition.acquire();
  proxy.shut();
  await assert.rejects(condition.wait({ timeout: 1 }), { code: 'ERR_LOCKSTEP_LEASE_LOST' });
  assert.equal(hold.valid, false);
  // A look is made again in the next session; a change is not.
  const looks = condition.describe();
  proxy.open();
  assert.equal((await looks).waiting, 0);
  await cluster.close();
  await proxy.close();
});
