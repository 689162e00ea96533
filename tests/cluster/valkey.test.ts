/**
 * The contract of the cluster's objects over Valkey, where that is installed, or where
 * LOCKSTEP_VALKEY has the path of its program.
 */

import { existsSync } from 'node:fs';
import { after, it } from 'node:test';
import { connect } from 'lockstep/cluster';
import { lockCases } from './contract/lock.ts';
import { otherCases } from './contract/others.ts';
import { queueCases } from './contract/queue.ts';
import type { World } from './contract/world.ts';
import { RedisServer } from './servers/redis.ts';

const program = process.env.LOCKSTEP_VALKEY ?? '/usr/bin/valkey-server';

if (existsSync(program)) {
  const server = await RedisServer.start({ program });
  const world: World = {
    name: 'Valkey, by URL',
    connect: (options) => connect({ ...options, redis: server.url }),
  };
  lockCases(world);
  otherCases(world);
  queueCases(world);
  after(() => server.stop());
} else it('the contract over Valkey', { skip: `there is no ${program}` });
