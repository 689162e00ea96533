/** The function that takes and leaves locks at a PostgreSQL server does what their machine does. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { PLACES } from '../../src/cluster/stores/postgres-schema.ts';
import { planting } from './script/plant.ts';
import { postgresGround } from './script/postgres.ts';
import { runHistories } from './script/run.ts';
import { PostgresServer } from './servers/postgres.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const HISTORIES = Number(process.env.LOCKSTEP_HISTORIES ?? (deep ? 20_000 : 150));
const FOR_A_MUTANT = deep ? 1000 : 60;

let server: PostgresServer;

before(async () => {
  server = await PostgresServer.start();
});
after(() => server.stop());

it(`gives the same replies, documents and rings in ${HISTORIES} histories`, async (t) => {
  const { made, left } = await runHistories(await postgresGround(server.url), HISTORIES);
  t.diagnostic(`${made} calls by the function, ${left} left to the machine`);
  assert.ok(left < 2 * made, 'the function leaves too much to the machine');
});

describe('planted mistakes are found', () => {
  const plant = planting(PLACES, async (mutant) =>
    runHistories(await postgresGround(server.url, mutant), FOR_A_MUTANT),
  );

  plant('the dead are not noticed', 'NOT _dead AND', 'TRUE AND');
  plant("the holder's token is lost", "split_part(_holder, ',', 3) = '0'", 'FALSE');
  plant('nobody is rung', 'IF _to IS NOT NULL THEN', 'IF FALSE THEN');
  plant('the one behind is not told to look', "IF _next <> '' THEN PERFORM", 'IF FALSE THEN PERFORM');
  plant('offers never run out', 'OR _until <= _now AND', 'OR FALSE AND');
  plant('the token of an early hold is lost', "|| _since || ',0]]", "|| 0 || ',0]]");
  plant('a claim that is late does not count', "(_op = 'leave' OR _offered <> _call)", 'TRUE');
  plant('an offer stands for too long', '(_now + _claim)', '(_now + _claim + 1)');
  plant('a call that joins is not noted', '_named := _named || _session;', 'NULL;');
  plant('a notification is lost', "_waits = '' THEN", 'TRUE THEN');
});
