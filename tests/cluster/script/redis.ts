/** Histories at a Redis server. */

import { createClient } from 'redis';
import { RedisStore } from '../../../src/cluster/stores/redis.ts';
import { TOMBSTONE_MS } from '../../../src/cluster/stores/redis-commit.ts';
import { PLACES } from '../../../src/cluster/stores/redis-places.ts';
import type { Heard } from './histories.ts';
import { ALL } from './histories.ts';
import type { Grounds } from './run.ts';
import { noteRing } from './run.ts';

type Client = ReturnType<typeof createClient>;

export interface RedisGround extends Grounds {
  readonly store: RedisStore;
  readonly client: Client;
  readonly prefix: string;
}

/** With a mutant in the place of the script if it is given. */
export async function redisGround(url: string, mutant?: string, script = PLACES): Promise<RedisGround> {
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
    if (session === 'over') allHeard();
    else noteRing(heard, session, message);
  });
  const given = mutant === undefined ? client : await mutated(client, script, mutant);
  const store = await RedisStore.at(given, namespace, 60_000);
  return {
    store,
    client,
    prefix,
    tombstoneMs: TOMBSTONE_MS,
    subjects: ALL,
    whole: true,
    early: true,
    urgentLast: true,
    // Their commands share the trips.
    atATime: 64,
    now: async () => {
      const [seconds] = (await client.sendCommand(['TIME'])) as unknown as [string];
      return Number(seconds) * 1000;
    },
    begin: async (sessions) => {
      await Promise.all(sessions.map((session) => client.set(`${prefix}s:${session}`, '0')));
    },
    kill: async (session) => void (await client.del(`${prefix}s:${session}`)),
    plant: async (key, version, sessions, body) => {
      await client.set(`${prefix}o:${key}`, `${version}|${sessions.join(',')}|${body}`);
    },
    raw: async (key) => {
      const document = `${prefix}o:${key}`;
      const [raw, lifetime] = await Promise.all([client.get(document), client.pTTL(document)]);
      if (raw === null) return null;
      const [, version, sessions, body] = /^(\d+)\|([^|]*)\|(.*)$/s.exec(raw)!;
      return {
        version: Number(version),
        sessions: sessions === '' ? [] : sessions!.split(','),
        body: body!,
        lifetime: Number(lifetime),
      };
    },
    clear: async (key, sessions) => {
      await client.del([...sessions.map((session) => `${prefix}s:${session}`), `${prefix}o:${key}`]);
    },
    heard: async () => {
      await client.publish(`${prefix}r:over`, '');
      await over;
      return heard;
    },
    end: async () => {
      await store.end();
      client.destroy();
      subscriber.destroy();
    },
  };
}

/** The client, with the mutant in the place of the script. */
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
