/** Ways: a server that can be put out of reach, in several ways, and be brought back. */

import type { Cluster, ConnectOptions } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import { ToxicProxy } from '../nemesis/proxy.ts';
import { patiently } from '../servers/patiently.ts';
import { PostgresServer } from '../servers/postgres.ts';
import { RedisServer } from '../servers/redis.ts';

export const WAYS = ['killed', 'stopped', 'cut'] as const;
export type Way = (typeof WAYS)[number];

export interface Place {
  /** A connection that can be put out of reach. */
  join(lease: number): Promise<Cluster>;
  /** One that is cut off only where the server itself is. */
  joinDirectly(lease: number): Promise<Cluster>;
  putAway(): Promise<void>;
  /** Does nothing where it is not away. */
  bringBack(): Promise<void>;
  end(): Promise<void>;
}

/** A server by itself, which may be killed or stopped, with a proxy before it. */
export async function placeAt(kind: 'Redis' | 'PostgreSQL', way: Way): Promise<Place> {
  const server = kind === 'Redis' ? await RedisServer.start() : await PostgresServer.start();
  const proxy = await ToxicProxy.before(server.port);
  const at = (port: number, lease: number): Promise<Cluster> => {
    const url = server.url.replace(`:${server.port}`, `:${port}`);
    const options = kind === 'Redis' ? { redis: url } : { postgres: url };
    return patiently(() => connect({ ...options, lease } as ConnectOptions));
  };
  let away = false;
  return {
    join: (lease) => at(proxy.port, lease),
    joinDirectly: (lease) => at(server.port, lease),
    putAway: async () => {
      away = true;
      if (way === 'killed') await server.kill();
      else if (way === 'stopped') server.freeze();
      else proxy.shut();
    },
    bringBack: async () => {
      if (!away) return;
      away = false;
      if (way === 'killed') await server.start();
      else if (way === 'stopped') server.thaw();
      else proxy.open();
    },
    end: async () => {
      await proxy.close();
      await server.stop();
    },
  };
}
