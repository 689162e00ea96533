/**
 * Locks and queues over real servers to which everything happens that can: see nemesis/run.ts and
 * nemesis/queue-run.ts.
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { QueuesSeen } from './nemesis/queue-run.ts';
import { tormentQueues } from './nemesis/queue-run.ts';
import type { Seen } from './nemesis/run.ts';
import { torment } from './nemesis/run.ts';
import type { WorkerOptions } from './nemesis/worker.ts';
import { PostgresServer } from './servers/postgres.ts';
import { RedisServer } from './servers/redis.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const MILLISECONDS = deep ? 60_000 : 6_000;
const FOR_IOREDIS = deep ? 60_000 : 5_000;
const FOR_POSTGRES = deep ? 60_000 : 6_000;
const FOR_QUEUES = deep ? 60_000 : 2_000;
const SEED = Number(process.env.LOCKSTEP_SEED ?? (deep ? Date.now() % 100_000 : 1));

function assertHarmless({ refused, refusedWhileValid, holders }: Seen): void {
  assert.equal(refusedWhileValid, 0, 'a write was refused to a hold that was valid');
  assert.ok(refused > 0, 'no late write came: the run shows nothing');
  assert.ok(holders.size > 10, `only ${holders.size} holds`);
}

it(`Redis, seed ${SEED}: no stale write is accepted, none is refused to a valid hold`, async (t) => {
  const server = await RedisServer.start();
  try {
    const seen = await torment(
      server,
      (port) => ({ redis: `redis://127.0.0.1:${port}` }),
      SEED,
      MILLISECONDS,
    );
    t.diagnostic(JSON.stringify({ ...seen, holders: seen.holders.size }));
    assertHarmless(seen);
  } finally {
    await server.stop();
  }
});

it(`Redis by ioredis, seed ${SEED}: the same, where locks stay`, async (t) => {
  const server = await RedisServer.start();
  try {
    const optionsAt = (port: number): WorkerOptions => ({
      redis: `redis://127.0.0.1:${port}`,
      client: 'ioredis',
    });
    const seen = await torment(server, optionsAt, SEED, FOR_IOREDIS);
    t.diagnostic(JSON.stringify({ ...seen, holders: seen.holders.size }));
    assertHarmless(seen);
    assert.ok(seen.stays > 0, 'no lock has stayed');
  } finally {
    await server.stop();
  }
});

it(`PostgreSQL, seed ${SEED}: the same`, async (t) => {
  const server = await PostgresServer.start();
  const optionsAt = (port: number): { postgres: string } => ({
    postgres: server.url.replace(`:${server.port}/`, `:${port}/`),
  });
  try {
    const seen = await torment(server, optionsAt, SEED, FOR_POSTGRES);
    t.diagnostic(JSON.stringify({ ...seen, holders: seen.holders.size }));
    assertHarmless(seen);
  } finally {
    await server.stop();
  }
});

function assertUseful({ got, acked }: QueuesSeen): void {
  assert.ok(got > 20 && acked > 20, `only ${got} items taken, ${acked} acknowledged`);
}

it(`queues over Redis, seed ${SEED}: nothing is lost, and nothing repeated but where it may be`, async (t) => {
  const server = await RedisServer.start();
  try {
    const optionsAt = (port: number): { redis: string } => ({ redis: `redis://127.0.0.1:${port}` });
    const seen = await tormentQueues(server, optionsAt, SEED, FOR_QUEUES);
    t.diagnostic(JSON.stringify(seen));
    assertUseful(seen);
  } finally {
    await server.stop();
  }
});

it(`queues over PostgreSQL, seed ${SEED}: the same`, { skip: !deep && 'in test:deep' }, async (t) => {
  const server = await PostgresServer.start();
  const optionsAt = (port: number): { postgres: string } => ({
    postgres: server.url.replace(`:${server.port}/`, `:${port}/`),
  });
  try {
    const seen = await tormentQueues(server, optionsAt, SEED, FOR_QUEUES);
    t.diagnostic(JSON.stringify(seen));
    assertUseful(seen);
  } finally {
    await server.stop();
  }
});
