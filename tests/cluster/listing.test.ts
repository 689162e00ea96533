/** `lockstep ls --redis URL` and `--postgres URL` list the objects at a server. */

import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ConnectOptions } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import { until } from '../support/until.ts';
import { PostgresServer } from './servers/postgres.ts';
import { RedisServer } from './servers/redis.ts';

const HOLDER = fileURLToPath(new URL('./listing/holder.js', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../../dist/cli/lockstep.js', import.meta.url));

function ls(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, 'ls', ...args], { encoding: 'utf8' });
}

/** This program, as the list names it. */
const HERE = `${hostname()
  .split('.')[0]!
  .replace(/[^\w-]/g, '-')
  .slice(0, 24)} (${process.pid})`;

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
    `a | Lock door | held by ${HERE} | 1`,
    'a | Event go | set | 0',
    'a | Queue jobs | 1 item | 0',
    'a | Latch ready | 1 to count down | 0',
    'a | Semaphore seats | 2 free | 0',
    'a | Value total | 7 | 0',
    `b | RWLock book | written by ${HERE} | 0`,
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
      state: `written by ${HERE}`,
      waiting: 0,
    },
  ]);
  await hold.release();
  await (await waits).release();
  await Promise.all([cluster.close(), other.close(), elsewhere.close()]);
  await listsRemains(option, url, options);
}

/** What has ended leaves nothing, or is not taken for something that died. */
async function listsRemains(option: string, url: string, options: ConnectOptions): Promise<void> {
  const at = { ...options, namespace: 'c' };
  const [one, two] = [await connect({ ...at, lease: 60_000 }), await connect(at)];
  await one.value('total').add(1);
  await one.event('go').set();
  await Promise.all([one, two].map((each) => each.barrier('met', 2).wait()));
  await (await one.boundedSemaphore('seats', 2).acquire()).release();
  const closed = await one.lock('closed').acquire();
  await one.close();
  assert.ok(closed);
  const shown = ls(option, url, '-n', 'c')
    .stdout.split('\n')
    .map((line) => line.replace(/ {2,}/g, ' | ').trim());
  assert.deepEqual(shown, [
    'NAMESPACE | OBJECT | STATE | WAIT',
    'c | Event go | set | 0',
    'c | Value total | 1 | 0',
    '2 objects at the server in namespace "c".',
    '',
  ]);
  const died = fork(HOLDER, [JSON.stringify({ ...at, lease: 500 })]);
  await once(died, 'message');
  died.kill('SIGKILL');
  await until(() => ls(option, url, '-n', 'c').stdout.includes('lease over'), 'the lease to be over');
  const { objects } = JSON.parse(ls(option, url, '--json', '-n', 'c').stdout) as { objects: Listed[] };
  const door = objects.find(({ name }) => name === 'door')!;
  assert.equal(door.state, `held by ${HERE.replace(String(process.pid), `${died.pid}, lease over`)}`);
  assert.equal(door.dead.length, 1);
  await two.close();
}

interface Listed {
  readonly name: string;
  readonly state: string;
  readonly dead: readonly string[];
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
