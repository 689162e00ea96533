/** `lockstep/cluster`: the cluster over a server. */

export * from './exports.ts';
export type { PgPoolLike } from './stores/postgres-connections.ts';
export type { IoredisLike, NodeRedisLike } from './stores/redis-client.ts';

import { inspect } from 'node:util';
import { InvalidTypeError, NameError } from '../errors.ts';
import { checkKnown } from '../options.ts';
import type { ClusterOptions } from './cluster.ts';
import { Cluster, checkTimes } from './cluster.ts';
import type { JobServer, Jobs } from './stores/bullmq.ts';
import type { PgPoolLike } from './stores/postgres-connections.ts';
import type { IoredisLike, NodeRedisLike } from './stores/redis-client.ts';

/** Which server, and how. */
export interface ConnectOptions extends ClusterOptions {
  /**
   * A URL, `redis://host:6379`, or a client of `redis` or `ioredis`, which stays open at the end.
   */
  redis?: string | NodeRedisLike | IoredisLike | undefined;
  /** A URL, `postgres://host/database`, or a pool of `pg`, which stays open at the end. */
  postgres?: string | PgPoolLike | undefined;
  /** PostgreSQL: `false` where no connection can listen, behind a pooler of transactions. */
  listen?: boolean | undefined;
  /**
   * PostgreSQL, without `listen`: milliseconds between polls while a call waits; 100.
   */
  poll?: number | undefined;
}

const LEASE_MS = 10_000;
/** Minimum time to wait for an answer of the server. */
const LEAST_PATIENCE_MS = 1_000;

/**
 * Connects to a server and opens a session there. Rejects with `StoreError` if the server can't be
 * reached or is not set up for it.
 *
 * @example
 * await using cluster = await connect({ redis: 'redis://localhost:6379' });
 * await cluster.lock('invoices').run(async ({ token }) => send(token));
 */
export async function connect(options: ConnectOptions): Promise<Cluster> {
  check(options);
  const { redis, postgres, listen, poll, namespace = 'default', lease = LEASE_MS } = options;
  const patience = Math.max(LEAST_PATIENCE_MS, Math.ceil(lease / 3));
  const server: JobServer = postgres === undefined ? { redis } : { postgres };
  const jobs = async (name: string): Promise<Jobs> => {
    const { jobsAt } = await import('./stores/bullmq.ts');
    return jobsAt(server, namespace, name);
  };
  if (postgres !== undefined) {
    const { PostgresStore } = await import('./stores/postgres.ts');
    const store = await PostgresStore.at({ postgres, listen, poll }, namespace, patience);
    return Cluster.over(store, options, jobs);
  }
  const { RedisStore } = await import('./stores/redis.ts');
  return Cluster.over(await RedisStore.at(redis, namespace, patience), options, jobs);
}

function check(options: unknown): asserts options is ConnectOptions {
  const example = "{ redis: 'redis://localhost:6379' }";
  if (options === null || typeof options !== 'object') {
    throw new InvalidTypeError(`connect: refused, its options are ${inspect(options)}; pass ${example}`);
  }
  checkKnown('connect', options, 'connect');
  const { redis, postgres, namespace = 'default' } = options as ConnectOptions;
  if ((redis === undefined) === (postgres === undefined)) {
    const both = redis !== undefined;
    const other = "{ postgres: 'postgres://localhost/app' }";
    throw new InvalidTypeError(
      both
        ? 'connect: refused, it has both `redis` and `postgres`; pass the one of the server to use'
        : `connect: refused, it has neither \`redis\` nor \`postgres\`; pass ${example} or ${other}`,
    );
  }
  checkRedisUrl(redis);
  checkTimes(options as ConnectOptions);
  if (typeof namespace !== 'string')
    throw new InvalidTypeError(`connect: refused, namespace is ${inspect(namespace)}; pass a string`);
  if (!/^[\w.-]{1,100}$/.test(namespace)) {
    throw new NameError(
      `connect: refused, ${inspect(namespace)} can't be a namespace; use 1 to 100 letters, digits, -, _ and .`,
    );
  }
}

/** A Redis server given as text is a URL. */
function checkRedisUrl(given: unknown): void {
  if (typeof given !== 'string') return;
  if (URL.canParse(given) && /^rediss?:$/.test(new URL(given).protocol)) return;
  throw new InvalidTypeError(
    'connect: refused, redis is not a URL of such a server; pass one such as redis://localhost',
  );
}
