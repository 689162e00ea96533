/** `lockstep/memory`: the cluster's API within one process, on every operating system. */

export * from './exports.ts';

import { checkOptions } from '../options.ts';
import type { ClusterOptions } from './cluster.ts';
import { Cluster } from './cluster.ts';
import { MemoryServer, MemoryStore } from './stores/memory.ts';

const servers = new Map<string, MemoryServer>();

/**
 * Connects to the memory of this process. Connections of the same namespace see the same objects,
 * each as if it were a separate process. For tests, and where no server is available;
 * `lockstep/cluster` has the same objects over Redis and PostgreSQL.
 */
export async function connect(options: ClusterOptions = {}): Promise<Cluster> {
  checkOptions('connect', options, 'memory', "{ namespace: 'billing' }");
  const { namespace = 'default' } = options;
  const server = servers.get(namespace) ?? new MemoryServer();
  servers.set(namespace, server);
  return Cluster.over(new MemoryStore(server), options);
}
