// @ts-check
/** The locks that the rows about the cluster compare, and the servers that they need. */
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { connect } from 'lockstep/cluster';
import { Mutex } from 'redis-semaphore';

/**
 * @param {string} kind   `ours`, `theirs`
 * @param {string} url
 * @param {{ lease?: number }} [options]
 */
export async function makeLock(kind, url, options = {}) {
  if (url.startsWith('postgres')) {
    const cluster = await connect({ postgres: url, namespace: 'bench', ...options });
    return { acquire: acquiring(cluster), close: () => cluster.close() };
  }
  const redis = new Redis(url);
  if (kind === 'theirs') {
    const mutex = new Mutex(redis, 'bench', { acquireTimeout: 60_000 });
    return {
      acquire: async () => {
        await mutex.acquire();
        return () => mutex.release();
      },
      close: async () => redis.disconnect(),
    };
  }
  const cluster = await connect({ redis, namespace: 'bench', ...options });
  return {
    acquire: acquiring(cluster),
    close: async () => {
      await cluster.close();
      redis.disconnect();
    },
  };
}

/** @param {import('lockstep/cluster').Cluster} cluster */
function acquiring(cluster) {
  const lock = cluster.lock('bench');
  return async () => {
    const hold = await lock.acquire();
    return () => hold.release();
  };
}

/** A redis-server on a free port; `undefined` where the program is missing. */
export async function startRedis() {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
  await new Promise((resolve) => probe.close(resolve));
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  const url = `redis://127.0.0.1:${port}`;
  const first = new Redis(url, { retryStrategy: () => 20 });
  // It is refused until the server is there.
  first.on('error', () => {});
  await first.ping();
  first.disconnect();
  return { url, stop: async () => void child.kill('SIGKILL') };
}
