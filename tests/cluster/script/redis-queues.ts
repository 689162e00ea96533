/** Histories of queues at a Redis server. */

import assert from 'node:assert/strict';
import type { Item } from '../../../src/cluster/machines/queue.ts';
import type { KeptQueue } from '../../../src/cluster/stores/redis-kept-queue.ts';
import { QUEUE } from '../../../src/cluster/stores/redis-queue.ts';
import type { QueueGround, Standing } from './queue-histories.ts';
import { redisGround } from './redis.ts';

/** With a mutant in the place of the script if it is given. */
export async function redisQueueGround(url: string, mutant?: string): Promise<QueueGround> {
  const { store, client, prefix, begin, kill, clear, ...runs } = await redisGround(url, mutant, QUEUE);
  return {
    atATime: runs.atATime,
    heard: runs.heard,
    end: runs.end,
    begin,
    kill,
    fence: (session, epoch) => store.fence(session, epoch),
    serve: (batch) => store.serve(batch),
    async *parts(batch) {
      const served = await store.serve(batch);
      assert.ok(served.done);
      yield served;
    },
    kept: async ({ calls }) => calls.some(({ op }) => op !== 'look'),
    async standing(key, told): Promise<Standing | undefined> {
      const document = `${prefix}o:${key}`;
      const [raw, lifetime, entries, length] = await Promise.all([
        client.get(document),
        client.pTTL(document),
        client.xRange(`${prefix}q:${key}`, '-', '+'),
        client.exists(`${prefix}q:${key}`),
      ]);
      const [, , sessions = '', body = ''] = /^(\d+)\|([^|]*)\|(.*)$/s.exec(raw ?? '') ?? [];
      if (body === '') {
        assert.equal(length, 0, `the stream stays after ${told}`);
        if (raw !== null) assert.ok(lifetime > 0, told);
        return undefined;
      }
      assert.equal(lifetime, -1, told);
      const { kind, state } = JSON.parse(body) as { kind: string; state: { state: KeptQueue } };
      const { out, back, ...rest } = state.state;
      const stream = new Map<string, readonly [put: string, text: string]>();
      for (const { id, message } of entries ?? []) stream.set(id.slice(0, -2), [message.p!, message.t!]);
      const item = (order: string, tries: number, put: string, text: string): Item => {
        const [itsPut, itsText] = text === '' ? stream.get(order)! : [put, text];
        if (text === '') stream.delete(order);
        return [Number(order), itsText, tries, itsPut];
      };
      const delivered = out.map(([call, until, ...about]) => [call, until, item(...about)] as const);
      const items = back.map((each) => item(...each));
      for (const [order, [put, text]] of stream) items.push([Number(order), text, 0, put]);
      return { ...rest, kind, items, out: delivered, sessions: sessions.split(',') };
    },
    async clear(key, sessions) {
      const records = sessions.map((session) => `m:${session}:${key}`);
      await client.del([...records, `q:${key}`].map((each) => prefix + each));
      await clear(key, sessions);
    },
  };
}
