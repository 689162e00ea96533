/** The function that makes calls on queues at a PostgreSQL server does what their machine does. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { QUEUES } from '../../src/cluster/stores/postgres-schema.ts';
import { planting } from './script/plant.ts';
import { postgresQueueGround } from './script/postgres-queues.ts';
import { QueueHistory } from './script/queue-histories.ts';
import { runAll } from './script/run.ts';
import { PostgresServer } from './servers/postgres.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const HISTORIES = Number(process.env.LOCKSTEP_HISTORIES ?? (deep ? 20_000 : 100));
const FOR_A_MUTANT = 400;

let server: PostgresServer;

before(async () => {
  server = await PostgresServer.start();
});
after(() => server.stop());

it(`gives the same replies, states and rings in ${HISTORIES} histories`, async (t) => {
  const ground = await postgresQueueGround(server.url);
  const { made } = await runAll(ground, HISTORIES, QueueHistory);
  t.diagnostic(`${made} calls by the function`);
  assert.ok(made > HISTORIES * 8);
});

describe('planted mistakes are found', { skip: !deep }, () => {
  const plant = planting(QUEUES, async (mutant) =>
    runAll(await postgresQueueGround(server.url, mutant), FOR_A_MUTANT, QueueHistory),
  );

  plant('a batch that arrives again is made again', 'IF _last = _serial THEN', 'IF FALSE THEN');
});
