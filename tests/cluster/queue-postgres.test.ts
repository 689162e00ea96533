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
const HISTORIES = Number(process.env.LOCKSTEP_HISTORIES ?? (deep ? 20_000 : 60));
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
  plant('an earlier batch is made', '_fenced OR _last > _serial THEN', '_fenced THEN');
  plant('an earlier epoch is not refused', 'OR _epoch < _fenced OR', 'OR');
  plant('replies are not kept', 'replies = EXCLUDED.replies', 'replies = m.replies');
  plant('the dead are not noticed', "m.session <> '' AND NOT EXISTS", 'FALSE AND NOT EXISTS');
  plant('deliveries never run out', 'l.until <= _now OR split_part', 'split_part');
  plant(
    'an item comes back behind the newer ones',
    'SELECT queue, place, tries',
    'SELECT queue, place + 9, tries',
  );
  plant('a delivery is not counted', 'tries + 1, put', 'tries, put');
  plant('one too many is put', '_size < split_part(_about', '_size <= split_part(_about');
  plant('a call that has taken still waits', 'IF _forgets AND _waiting', 'IF FALSE AND _waiting');
  plant('the takers are not rung', "'{t,p}'", "'{p}'");
  plant('the putters are not rung', "'{t,p}'", "'{t}'");
  plant('the one behind is not rung', 'w.turn > _turn', 'FALSE');
  plant('one putter too many is rung', '_size + p.ahead < p.most', '_size < p.most');
  plant('joins are not freed', 'IF _left = 0 AND _waiting', 'IF FALSE AND _waiting');
  plant('a join that is over waits again', "(_about = '1' OR EXISTS", '(TRUE OR EXISTS');
  plant('any item can be taken back', "AND put = split_part(_about, ' ', 2)", '');
  plant('waiters of the dead stay', "split_part(w.call, '/', 1) = ANY (_dead) FOR", 'FALSE FOR');
  plant('the counts of the dead are lost', 'sum(size), sum(lent)', '0, sum(lent)');
  plant('a first place that comes back is not noted', 'low = least(m.low, EXCLUDED.low),', 'low = m.low,');
  plant('an empty queue stays', 'AND _size = 0 AND _lent = 0', 'AND FALSE');
  plant('an item put back is not counted', 'IF FOUND THEN _size := _size + 1; END IF;', '');
  plant('an item put is not counted as left', 'IF _counts THEN _left := _left + 1; END IF;', '');
});
