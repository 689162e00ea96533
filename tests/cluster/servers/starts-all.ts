/** A program that starts a server of each kind, tells their pids, and never ends them. */

import { PgBouncer } from './pgbouncer.ts';
import { PostgresServer } from './postgres.ts';
import { RedisServer } from './redis.ts';

const redis = await RedisServer.start();
const postgres = await PostgresServer.start();
const bouncer = await PgBouncer.before(postgres.port);
console.log(
  JSON.stringify({
    pids: [redis.pid, postgres.pid, bouncer.pid],
    folders: [redis.folder, postgres.folder, bouncer.folder],
  }),
);
setInterval(() => {}, 1000);
