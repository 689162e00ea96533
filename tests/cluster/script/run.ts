/** Run: many histories side by side at one server, and what was rung meanwhile. */

import assert from 'node:assert/strict';
import { createClient } from 'redis';
import { RedisStore } from '../../../src/cluster/stores/redis.ts';
import type { Bench, Client, Heard, Tally } from './histories.ts';

/** Histories under way at a time: their commands share the trips. */
const AT_A_TIME = 64;

/** The histories of a script. */
export interface Subject {
  readonly histories: new (bench: Bench, seed: number) => { run(tally: Tally): Promise<void> };
  readonly script: string;
  /** Stands in the script's place. */
  readonly mutant?: string;
}

/** Goes through so many histories. */
export async function runHistories(
  url: string,
  count: number,
  { histories: Histories, script, mutant }: Subject,
): Promise<Tally> {
  const client = createClient({ url, RESP: 2 }) as unknown as Client;
  const subscriber = client.duplicate();
  await Promise.all([client.connect(), subscriber.connect()]);
  const namespace = `histories-${process.pid}-${performance.now()}`;
  const prefix = `{${namespace}}:`;
  const heard: Heard = new Map();
  let allHeard!: () => void;
  const over = new Promise<void>((resolve) => {
    allHeard = resolve;
  });
  await subscriber.pSubscribe(`${prefix}r:*`, (message, channel) => {
    const session = channel.slice(prefix.length + 2);
    if (session === 'over') return allHeard();
    const [head, document] = message.split(/\n(.*)/s) as [string, string?];
    const bar = head.indexOf('|');
    const [version, , ...body] = (document ?? '').split('|');
    const told = document === undefined ? '' : `${version} ${body.join('|')}`;
    const key = head.slice(bar + 1);
    const list = heard.get(key) ?? [];
    heard.set(key, list);
    list.push(`${session} ${head.slice(0, bar)} ${told}`);
  });
  const store = await RedisStore.at(
    mutant === undefined ? client : await mutated(client, script, mutant),
    namespace,
    60_000,
  );
  const tally: Tally = { made: 0, left: 0 };
  const expected: Heard = new Map();
  try {
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < count) {
        const seed = ++next;
        try {
          await new Histories({ client, store, prefix, expected }, seed).run(tally);
        } catch (error) {
          next = count;
          throw new Error(`history ${seed}: ${(error as Error).message}`, { cause: error });
        }
      }
    };
    const workers = await Promise.allSettled(Array.from({ length: AT_A_TIME }, work));
    for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
    await client.publish(`${prefix}r:over`, '');
    await over;
    for (const [key, rings] of expected) assert.deepEqual(heard.get(key) ?? [], rings, `the rings of ${key}`);
    const rung = [...heard].filter(([key]) => !expected.has(key));
    assert.deepEqual(rung, []);
    return tally;
  } finally {
    await store.end();
    client.destroy();
    subscriber.destroy();
  }
}

/** The client, with another script in the place of the real one. */
async function mutated(client: Client, script: string, mutant: string): Promise<Client> {
  const real = await client.scriptLoad(script);
  const other = await client.scriptLoad(mutant);
  return new Proxy(client, {
    get(target, name): unknown {
      const value = Reflect.get(target, name, target) as unknown;
      if (name === 'sendCommand')
        return (args: string[]) => target.sendCommand(args.map((arg) => (arg === real ? other : arg)));
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
