/** The contract of the cluster's objects over Redis, with both clients. */

import { after } from 'node:test';
import { Redis } from 'ioredis';
import { connect } from 'lockstep/cluster';
import { createClient } from 'redis';
import { lockCases } from './contract/lock.ts';
import { otherCases } from './contract/others.ts';
import { queueCases } from './contract/queue.ts';
import type { World } from './contract/world.ts';
import { RedisServer } from './servers/redis.ts';

const server = await RedisServer.start();
const shared = createClient({ url: server.url });
await shared.connect();
const sharedIoredis = new Redis(server.url);

const byUrl: World = {
  name: 'Redis, by URL',
  connect: (options) => connect({ ...options, redis: server.url }),
};
const own: World = {
  name: "Redis, by the program's own ioredis",
  connect: (options) => connect({ ...options, redis: sharedIoredis }),
};
const ownNode: World = {
  name: "Redis, by the program's own node-redis",
  connect: (options) => connect({ ...options, redis: shared }),
};

lockCases(byUrl);
otherCases(byUrl);
queueCases(byUrl);
lockCases(own);
otherCases(ownNode);

after(async () => {
  shared.destroy();
  sharedIoredis.disconnect();
  await server.stop();
});
