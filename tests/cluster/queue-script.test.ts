/** The script that makes calls on queues at a Redis server does what their machine does. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { QUEUE } from '../../src/cluster/stores/redis-queue.ts';
import { planting } from './script/plant.ts';
import { QueueHistory } from './script/queue-histories.ts';
import { redisQueueGround } from './script/redis-queues.ts';
import { runAll } from './script/run.ts';
import { RedisServer } from './servers/redis.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const HISTORIES = deep ? 100_000 : 200;
const FOR_A_MUTANT = 400;

let server: RedisServer;

before(async () => {
  server = await RedisServer.start();
});
after(() => server.stop());

it(`gives the same replies, states and rings in ${HISTORIES} histories`, async (t) => {
  const ground = await redisQueueGround(server.url);
  const { made } = await runAll(ground, HISTORIES, QueueHistory);
  t.diagnostic(`${made} calls by the script`);
  assert.ok(made > HISTORIES * 8);
});

describe('planted mistakes are found', () => {
  const plant = planting(QUEUE, async (mutant) =>
    runAll(await redisQueueGround(server.url, mutant), FOR_A_MUTANT, QueueHistory),
  );

  plant('a batch that arrives again is made again', 'if last == serial then', 'if false then');
  plant('an earlier batch is made', 'if last and tonumber(last) > tonumber(serial)', 'if false');
  plant('an earlier epoch is not refused', 'if tonumber(ARGV[1]) < tonumber(epoch)', 'if false');
  plant('replies are not kept', "if writes then call('SET', record", "if false then call('SET', record");
  plant('the dead are not noticed', "call('EXISTS', unpack(others)) < #others", 'false');
  plant('deliveries never run out', 'if out[i][2] <= now or', 'if');
  plant('an item comes back behind the newer ones', 'tonumber(back[at - 1][1]) > tonumber(order)', 'false');
  plant('a delivered item is delivered again', "'(' .. format('%.0f', newest) .. '-0'", "'-'");
  plant('what was got stays', 'elseif not isHere then\n    delete(order)', 'elseif false then');
  plant('what was acknowledged stays', "if delivery[6] == '' then delete(delivery[3]) end", '');
  plant('one too many is put', 'size() + ahead < most', 'size() + ahead <= most');
  plant(
    'a call that has taken still waits',
    "if op == 'receive' then\n    out",
    "takers[1] = takers[1] or id\n  if op == 'receive' then\n    out",
  );
  plant('a delivery is not counted', 'tries = tries + 1', '');
  plant('the takers are not rung', 'ringFirst(takers, size())', '');
  plant('the putters are not rung', 'ringFirst(putters, room)', '');
  plant('the one behind is not rung', 'if behind then ring(behind[1] or behind, claim) end', '');
  plant('joins are not freed', 'freed[#freed + 1] = id', '');
  plant('an item put back is not counted', "if item[4] ~= '' then count = count + 1 end", '');
  plant('any item can be taken back', "if put ~= of then return 'g' end", '');
});
