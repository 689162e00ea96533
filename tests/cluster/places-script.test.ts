/** The script that makes calls on places at a Redis server does what their machine does. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { PLACES } from '../../src/cluster/stores/redis-places.ts';
import { planting } from './script/plant.ts';
import { redisGround } from './script/redis.ts';
import { runHistories } from './script/run.ts';
import { RedisServer } from './servers/redis.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const HISTORIES = deep ? 100_000 : 200;
const FOR_A_MUTANT = 300;

let server: RedisServer;

before(async () => {
  server = await RedisServer.start();
});
after(() => server.stop());

it(`gives the same replies, documents and rings in ${HISTORIES} histories`, async (t) => {
  const { made, left } = await runHistories(await redisGround(server.url), HISTORIES);
  t.diagnostic(`${made} calls by the script, ${left} left to the machine`);
  assert.ok(left < made / 10, 'the script leaves too much to the machine');
});

describe('planted mistakes are found', () => {
  const plant = planting(PLACES, async (mutant) =>
    runHistories(await redisGround(server.url, mutant), FOR_A_MUTANT),
  );

  plant('a token is not put in', "if holder[3] == '0' then", 'if false then');
  plant(
    'a call that joins goes to the head',
    'queue[#queue + 1] = {one, places, note}',
    'table.insert(queue, 1, {one, places, note})',
  );
  plant('nobody is rung', "rings[#rings + 1] = {head[1], '0'}", '');
  plant('the next is not told to look', 'if offered > 0 and queue[1] then', 'if false then');
  plant('offers never run out', 'tonumber(offer[3]) <= now', 'false');
  plant('the dead are not noticed', '#others == 0 or call', 'true or call');
  plant('the holder after a dead one does not see `recovered`', "hurt = '1'", "hurt = '0'");
  plant('a repeated call takes another permit', 'if each[1] == id and', 'if false and');
  plant('replies are kept for good', 'return entry[2] / 1000 <= now', 'return false and now');
  plant(
    'a claim serves nobody else',
    'enter(id, offer[2], since)\n    serve()',
    'enter(id, offer[2], since)',
  );
  plant(
    'a waiter that went in early gets another token',
    'enter(id, offer[2], since)',
    'enter(id, offer[2])',
  );
  plant('a late claim does not count', 'and offer[1] ~= claims', '');
  plant(
    'sessions are not noted',
    'named[session] = true\n    list[#list + 1] = session',
    'named[session] = true',
  );
  plant('a claim comes too late', 'tonumber(standsUntil) > now', 'true');
  plant('a call that joins is not noted', "named = sessions .. ',' .. me", 'named = sessions');
  plant('the one behind is not told to look', 'rings[2] = {nextOne, claim}', '');
  plant("the holder's token is lost", "if holder and token == '0'", 'if false');
  plant('an offer stands for too long', "format('%.0f', now + claim)", "format('%.0f', now + claim + 1)");
});
