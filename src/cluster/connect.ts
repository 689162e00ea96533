/** `lockstep/cluster`: the cluster over a server. */

export * from './exports.ts';
export type { IoredisLike, NodeRedisLike } from './stores/redis-client.ts';

import { inspect } from 'node:util';
import { InvalidTypeError } from '../errors.ts';
import type { ClusterOptions } from './cluster.ts';
import { Cluster } from './cluster.ts';
import type { IoredisLike, NodeRedisLike } from './stores/redis-client.ts';

/** Which server, and how. */
export interface ConnectOptions extends ClusterOptions {
  /**
   * A URL, `redis://host:6379`, or a client of `redis` or `ioredis`, which stays open at the end.
   */
  redis?: string | NodeRedisLike | IoredisLike | undefined;
}

const KNOWN = ['redis', 'namespace', 'lease', 'claim'];
const LEASE_MS = 10_000;

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
  const { redis, namespace = 'default', lease = LEASE_MS } = options;
  const { RedisStore } = await import('./stores/redis.ts');
  return Cluster.over(await RedisStore.at(redis, namespace, lease / 3), options);
}

function check(options: unknown): asserts options is ConnectOptions {
  const example = "{ redis: 'redis://localhost:6379' }";
  if (options === null || typeof options !== 'object') {
    throw new InvalidTypeError(`connect: refused, its options are ${inspect(options)}; pass ${example}`);
  }
  const unknown = Object.keys(options).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) {
    throw new InvalidTypeError(
      `connect: refused, unknown option \`${unknown}\`; there are ${KNOWN.map((name) => `\`${name}\``).join(', ')}`,
    );
  }
  if (!('redis' in options)) {
    throw new InvalidTypeError(`connect: refused, it is not said which server; pass ${example}`);
  }
}
