/**
 * Queues over both servers while connections are cut, held and robbed of their replies: as long as
 * no lease is lost, each item that was put is taken once, in the order of its producer.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, ClusterQueue, ConnectOptions } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import { Random } from '../soak/random.ts';
import { ToxicProxy } from './nemesis/proxy.ts';
import { PostgresServer } from './servers/postgres.ts';
import { RedisServer } from './servers/redis.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const SEED = Number(process.env.LOCKSTEP_SEED ?? 1);
const PRODUCERS = 3;

type Item = readonly [producer: number, number: number];

/** A server, and how to connect to it by another port. */
interface Behind {
  /** Items of each producer. */
  readonly each: number;
  readonly port: number;
  optionsAt(port: number): ConnectOptions;
  stop(): Promise<void>;
}

async function redis(): Promise<Behind> {
  const server = await RedisServer.start();
  return {
    each: deep ? 1_000 : 60,
    port: server.port,
    optionsAt: (port) => ({ redis: `redis://127.0.0.1:${port}` }),
    stop: () => server.stop(),
  };
}

async function postgres(): Promise<Behind> {
  const server = await PostgresServer.start();
  return {
    // It takes longer to connect again.
    each: deep ? 300 : 6,
    port: server.port,
    optionsAt: (port) => ({ postgres: server.url.replace(`:${server.port}/`, `:${port}/`) }),
    stop: () => server.stop(),
  };
}

async function torment(
  { each, port, optionsAt }: Behind,
  take: (queue: ClusterQueue<Item>) => Promise<Item>,
): Promise<void> {
  const random = new Random(SEED);
  const proxy = await ToxicProxy.before(port);
  const clusters: Cluster[] = [];
  const join = async (): Promise<ClusterQueue<Item>> => {
    const cluster = await connect({ ...optionsAt(proxy.port), lease: 60_000, namespace: 'faults' });
    clusters.push(cluster);
    return cluster.queue<Item>('items', { maxSize: 5 });
  };
  const queues: ClusterQueue<Item>[] = [];
  for (let i = 0; i < 2 * PRODUCERS; i++) queues.push(await join());
  const seen: Item[][] = queues.map(() => []);
  let over = false;
  const faults = async (): Promise<void> => {
    while (!over) {
      await sleep(random.below(60));
      const dice = random.below(3);
      if (dice === 0) proxy.cut();
      else if (dice === 1) {
        proxy.dropsReplies = true;
        await sleep(random.below(40));
        proxy.cut();
        proxy.dropsReplies = false;
      } else {
        proxy.hold();
        await sleep(random.below(80));
        proxy.pass();
      }
    }
  };
  const produce = async (queue: ClusterQueue<Item>, producer: number): Promise<void> => {
    for (let i = 0; i < each; i++) await queue.put([producer, i]);
  };
  const consume = async (queue: ClusterQueue<Item>, consumer: number): Promise<void> => {
    for (let i = 0; i < each; i++) seen[consumer]!.push(await take(queue));
  };
  const harm = faults();
  try {
    await Promise.all(queues.map((queue, i) => (i < PRODUCERS ? produce(queue, i) : consume(queue, i))));
  } finally {
    over = true;
    await harm;
    await Promise.all(clusters.map((cluster) => cluster.close()));
    await proxy.close();
  }
  const all = seen.flat().map(([producer, number]) => producer * each + number);
  assert.deepEqual(
    all.sort((a, b) => a - b),
    Array.from({ length: PRODUCERS * each }, (_, i) => i),
    `seed ${SEED}`,
  );
  for (const items of seen) {
    const last = new Map<number, number>();
    for (const [producer, number] of items) {
      assert.ok(number > (last.get(producer) ?? -1), `seed ${SEED}: out of order`);
      last.set(producer, number);
    }
  }
}

for (const [name, start] of Object.entries({ Redis: redis, PostgreSQL: postgres })) {
  describe(name, () => {
    let server: Behind;
    before(async () => {
      server = await start();
    });
    after(() => server.stop());

    it('get takes each item once', () => torment(server, (queue) => queue.get()));

    it('receive and ack take each item once', () =>
      torment(server, async (queue) => {
        const delivery = await queue.receive({ visibility: 60_000 });
        await delivery.ack();
        return delivery.value;
      }));
  });
}
