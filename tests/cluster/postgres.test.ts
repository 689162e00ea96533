/** The contract of the cluster's objects over PostgreSQL: listening, and behind a pooler. */

import { after } from 'node:test';
import { connect } from 'lockstep/cluster';
import pg from 'pg';
import { lockCases } from './contract/lock.ts';
import { otherCases } from './contract/others.ts';
import { queueCases } from './contract/queue.ts';
import type { World } from './contract/world.ts';
import { PostgresServer } from './servers/postgres.ts';

const server = await PostgresServer.start();
const pool = new pg.Pool({ connectionString: server.url, max: 3 });

const listening: World = {
  name: 'PostgreSQL',
  connect: (options) => connect({ ...options, postgres: server.url }),
};
/** Each call gets whatever connection of the pool is free, as behind a pooler of transactions. */
const pooled: World = {
  name: 'PostgreSQL, by a pool, without LISTEN',
  connect: (options) => connect({ ...options, postgres: pool, listen: false, poll: 20 }),
};

lockCases(listening);
otherCases(listening);
queueCases(listening);
lockCases(pooled);

after(async () => {
  await pool.end();
  await server.stop();
});
