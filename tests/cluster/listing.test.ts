/** `lockstep ls --redis URL` and `--postgres URL` list the objects at a server. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ConnectOptions } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import { PostgresServer } from './servers/postgres.ts';
import { RedisServer } from './servers/redis.ts';

const PROGRAM = fileURLToPath(new URL('../../../dist/cli/lockstep.js', import.meta.url));

function ls(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, 'ls', ...args], { encoding: 'utf8' });
}

async function lists(option: string, url: string, options: ConnectOptions): Promise<void> {
  const [cluster, other] = await Promise.all([
    connect({ ...options, namespace: 'a' }),
    connect({ ...options, namespace: 'a' }),
  ]);
  const elsewhere = await connect({ ...options, namespace: 'b' });
  const hold = await cluster.lock('door').acquire();
  const waits = other.lock('door').acquire();
  while ((await cluster.lock('door').describe()).waiting === 0);
  await cluster.value('total').add(7);
  await cluster.queue('jobs').put('one');
  await cluster.semaphore('seats', 3).acquire();
  await cluster.latch('ready', 2).countDown();
  await cluster.event('go').set();
  await elsewhere.rwlock('book').write.acquire();

  const { status, stdout } = ls(option, url);
  assert.equal(status, 0);
  const lines = stdout.split('\n').map((line) => line.replace(/ {2,}/g, ' | ').trim());
  assert.deepEqual(lines, [
    'NAMESPACE | OBJECT | STATE | WAIT',
    `a | Lock door | held by ${cluster.session} | 1`,
    'a | Event go | set | 0',
    'a | Queue jobs | 1 items | 0',
    'a | Latch ready | 1 to count down | 0',
    'a | Semaphore seats | 2 free | 0',
    'a | Value total | 7 | 0',
    `b | RWLock book | written by ${elsewhere.session} | 0`,
    '7 objects at the server.',
    '',
  ]);
  const json = JSON.parse(ls(option, url, '--json', '-n', 'b').stdout) as { objects: object[] };
  assert.deepEqual(json.objects, [
    {
      namespace: 'b',
      kind: 'RWLock',
      name: 'book',
      dead: [],
      state: `written by ${elsewhere.session}`,
      waiting: 0,
    },
  ]);
  await hold.release();
  await (await waits).release();
  await Promise.all([cluster.close(), other.close(), elsewhere.close()]);
}

it('lists the objects at a Redis server, of all namespaces or of one', async () => {
  const server = await RedisServer.start();
  try {
    await lists('--redis', server.url, { redis: server.url });
  } finally {
    await server.stop();
  }
  const { status, stderr } = ls('--redis', server.url);
  assert.equal(status, 3);
  assert.match(stderr, /ls: Redis can't be read/);
});

it('lists the objects in a PostgreSQL database', async () => {
  const server = await PostgresServer.start();
  try {
    await lists('--postgres', server.url, { postgres: server.url });
  } finally {
    await server.stop();
  }
  const { status, stderr } = ls('--postgres', server.url);
  assert.equal(status, 3);
  assert.match(stderr, /ls: PostgreSQL can't be read/);
});
