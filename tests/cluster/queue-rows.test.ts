/** Queues as rows at a PostgreSQL server: from an older version, and through its crash. */

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { Cluster } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import pg from 'pg';
import { until } from '../support/until.ts';
import { PostgresServer } from './servers/postgres.ts';

let server: PostgresServer;

before(async () => {
  server = await PostgresServer.start();
});
after(() => server.stop());

async function drain(queue: ReturnType<Cluster['queue']>): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let item = await queue.tryGet(); item !== null; item = await queue.tryGet()) all.push(item);
  return all;
}

it('a queue that an older version kept in its document moves into the rows', async () => {
  await using cluster = await connect({ postgres: server.url, namespace: 'older', lease: 60_000 });
  const admin = new pg.Client(server.url);
  await admin.connect();
  const soon = Date.now() + 60_000;
  const state = {
    next: 1_700_000_000_000_009,
    items: [
      [1_700_000_000_000_001, '"second"', 0, 'gone/1'],
      [1_700_000_000_000_003, '"third"', 1, 'gone/3'],
    ].map(([order, text, tries, put]) => [order, `j${text}`, tries, put]),
    out: [
      [`${cluster.session}/77`, soon, [1_700_000_000_000_005, 'j"lent"', 1, 'gone/4']],
      ['gone/9', soon, [1_700_000_000_000_000, 'j"first"', 1, 'gone/0']],
    ],
    takers: [],
    putters: [],
    left: 4,
    joins: [`${cluster.session}/78`, 'gone/10'],
  };
  const body = JSON.stringify({ kind: 'JoinableQueue', state: { state, made: [['gone/4', 5, null]] } });
  await admin.query('INSERT INTO lockstep.object VALUES ($1, $2, 7, $3, $4, NULL)', [
    'older',
    'jobs',
    [cluster.session, 'gone'],
    body,
  ]);
  await admin.end();
  const jobs = cluster.joinableQueue('jobs');
  assert.equal(await jobs.unfinished, 4);
  await jobs.put('last');
  const { size, received, waiting } = await jobs.describe();
  assert.deepEqual([size, received, waiting], [4, 1, 1]);
  assert.deepEqual(await drain(jobs), ['first', 'second', 'third', 'last']);
});

function ignoreOutage(error: { code: string }): null {
  assert.equal(error.code, 'ERR_LOCKSTEP_STORE');
  return null;
}

it('a queue whose rows somebody has deleted by hand goes on', async () => {
  await using cluster = await connect({ postgres: server.url, namespace: 'purged', lease: 60_000 });
  const admin = new pg.Client(server.url);
  await admin.connect();
  const queue = cluster.queue('jobs', { maxSize: 2 });
  await queue.put(1);
  await queue.put(2);
  await admin.query("DELETE FROM lockstep.item WHERE queue = 'purged/jobs'");
  await queue.put(3);
  assert.equal(await queue.size, 1);
  assert.equal(await queue.get(), 3);
  await queue.put(4);
  await admin.query('DROP TABLE lockstep.item');
  await using other = await connect({ postgres: server.url, namespace: 'purged', lease: 60_000 });
  await admin.end();
  await assert.rejects(other.queue('jobs').get({ timeout: 10 }), { code: 'ERR_LOCKSTEP_QUEUE_EMPTY' });
  assert.equal(await queue.size, 0);
  await queue.put(5);
  assert.equal(await other.queue('jobs').get(), 5);
});

it('a crash of the server loses no item whose put has ended, and repeats none that was got', async () => {
  const options = { postgres: server.url, namespace: 'crash', lease: 60_000 };
  const [producer, other, consumer] = [
    await connect(options),
    await connect(options),
    await connect(options),
  ];
  const put = new Set<string>();
  const got: string[] = [];
  let over = false;
  const produce = async (cluster: Cluster, name: string): Promise<void> => {
    for (let i = 0; !over; i++) {
      await cluster.queue('it').put(`${name}${i}`);
      put.add(`${name}${i}`);
    }
  };
  const consume = async (): Promise<void> => {
    while (!over) {
      // A call that tries once may end without an answer; an item that it had taken goes back.
      const item = await consumer.queue<string>('it').tryGet().catch(ignoreOutage);
      if (item !== null) got.push(item);
    }
  };
  try {
    const work = Promise.all([produce(producer, 'a'), produce(other, 'b'), consume()]);
    for (let round = 0; round < 2; round++) {
      const before = [put.size, got.length];
      await until(() => put.size > before[0]! + 5 && got.length > before[1]! + 2, 'items to flow');
      await server.kill();
      await server.start();
    }
    const [puts, gets] = [put.size, got.length];
    await until(() => put.size > puts + 3 && got.length > gets + 3, 'items to flow again');
    over = true;
    await work;
    const all = [...got, ...(await drain(consumer.queue('it')))];
    assert.deepEqual([...all].sort(), [...put].sort());
  } finally {
    over = true;
    await Promise.all([producer.close(), other.close(), consumer.close()]);
  }
});
