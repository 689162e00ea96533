/**
 * A server that comes back and has forgotten the last releases: the lock would stay taken for as
 * long as the session of its last holder lives. That holder releases it again.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Cluster } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import pg from 'pg';
import { createClient } from 'redis';
import { HANG_MS, until } from '../support/until.ts';
import { PostgresServer } from './servers/postgres.ts';
import { RedisServer } from './servers/redis.ts';

/** No lease ends within the test. */
const LEASE_MS = 60_000;

async function assertFree(cluster: Cluster): Promise<void> {
  await until(async () => !(await cluster.lock('it').locked.catch(() => true)), 'the lock to be free');
  const hold = await cluster.lock('it').acquire();
  assert.equal(hold.recovered, false);
  await hold.release();
}

it('PostgreSQL crashes right after releases that did not wait for the disk', {
  timeout: HANG_MS,
}, async () => {
  const server = await PostgresServer.start();
  const options = { postgres: server.url, lease: LEASE_MS };
  const [holder, other] = [await connect(options), await connect(options)];
  try {
    for (let round = 0; round < 2; round++) {
      const hold = await holder.lock('it').acquire();
      await hold.release();
      await server.kill();
      await server.start();
      await assertFree(other);
    }
  } finally {
    await Promise.all([holder.close(), other.close()]);
    await server.stop();
  }
});

it('a release that PostgreSQL has undone is found by the next renewal, without LISTEN', {
  timeout: HANG_MS,
}, async () => {
  const server = await PostgresServer.start();
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on('error', () => {});
  const holder = await connect({ postgres: pool, listen: false, lease: 2_000 });
  const other = await connect({ postgres: server.url, lease: LEASE_MS });
  try {
    const hold = await holder.lock('it').acquire();
    const { rows } = await pool.query('SELECT * FROM lockstep.object');
    await hold.release();
    // Do as a crash does: undo the release, and empty the table that has no log.
    const { version, sessions, body } = rows[0] as Record<string, unknown>;
    await pool.query('UPDATE lockstep.object SET version = $1, sessions = $2, body = $3, until = NULL', [
      version,
      sessions,
      body,
    ]);
    assert.equal(await other.lock('it').locked, true);
    await pool.query('TRUNCATE lockstep.run');
    await assertFree(other);
    assert.equal(holder.state, 'connected');
  } finally {
    await Promise.all([holder.close(), other.close()]);
    await pool.end();
    await server.stop();
  }
});

it('Redis has lost the last write when its connections break', { timeout: HANG_MS }, async () => {
  const server = await RedisServer.start();
  const client = createClient({ url: server.url });
  await client.connect();
  const options = { redis: server.url, lease: LEASE_MS };
  const [holder, other] = [await connect(options), await connect(options)];
  try {
    const hold = await holder.lock('it').acquire();
    const key = '{default}:o:it';
    const before = (await client.get(key))!;
    await hold.release();
    await client.set(key, before);
    assert.equal(await other.lock('it').locked, true);
    await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    await assertFree(other);
  } finally {
    await Promise.all([holder.close(), other.close()]);
    client.destroy();
    await server.stop();
  }
});
