/** Histories of queues at a PostgreSQL server. */

import assert from 'node:assert/strict';
import type { Item } from '../../../src/cluster/machines/queue.ts';
import { QueueCalls } from '../../../src/cluster/stores/postgres-queue-calls.ts';
import { argumentsOf } from '../../../src/cluster/stores/queue-calls.ts';
import { postgresGround } from './postgres.ts';
import type { QueueGround, Standing } from './queue-histories.ts';

/** The queue in one row, if any row of it is left. */
const STANDING = `
SELECT o.body, m.size::float8, m.lent::float8, m.waiting::float8, m.left::float8, m.low::float8,
  coalesce(m.sessions, '{}') AS sessions,
  ARRAY(SELECT json_build_array(place, text, tries, put) FROM lockstep.item
    WHERE queue = $3 ORDER BY place) AS items,
  ARRAY(SELECT json_build_array(call, until, json_build_array(place, text, tries, put)) FROM lockstep.lent
    WHERE queue = $3) AS out,
  ARRAY(SELECT call FROM lockstep.waiter WHERE queue = $3 AND what = 't' ORDER BY turn) AS takers,
  ARRAY(SELECT json_build_array(call, most) FROM lockstep.waiter WHERE queue = $3 AND what = 'p' ORDER BY turn) AS putters,
  ARRAY(SELECT call FROM lockstep.waiter WHERE queue = $3 AND what = 'j' ORDER BY turn) AS joins
FROM (SELECT coalesce(sum(size), 0) AS size, coalesce(sum(lent), 0) AS lent, coalesce(sum(waiting), 0) AS waiting,
    coalesce(sum(unfinished), 0) AS left, min(low) AS low, array_agg(session) AS sessions
  FROM lockstep.member WHERE queue = $3) m
LEFT JOIN (SELECT body FROM lockstep.object WHERE namespace = $1 AND name = $2) o ON true`;

interface Row extends Omit<Standing, 'kind'> {
  readonly body: string | null;
  readonly size: number;
  readonly lent: number;
  readonly waiting: number;
  readonly low: number | null;
}

/** With a mutant in the place of the functions if it is given. */
export async function postgresQueueGround(url: string, mutant?: string): Promise<QueueGround> {
  const ground = await postgresGround(url, mutant);
  const { store, ask, namespace, begin, kill, clear, atATime, heard, end } = ground;
  const queues = new QueueCalls(namespace, async (text, values) => (await ask(text, values)).rows);
  return {
    atATime,
    heard,
    end,
    begin,
    kill,
    fence: (session, epoch) => store.fence(session, epoch),
    serve: (batch) => queues.serve(batch),
    async *parts(batch) {
      const args = batch.calls.flatMap(argumentsOf);
      let made = 0;
      for (let forced = false; made < batch.calls.length; ) {
        const served = await queues.part(batch, args, made, forced);
        assert.ok(served.done);
        const replies = served.replies.slice(made);
        assert.ok(replies.length > 0 || !forced, 'a call came to nothing in exclusive mode');
        yield { now: served.now, replies };
        forced = replies.length === 0;
        made = served.replies.length;
      }
    },
    async kept({ key, session, serial, calls }) {
      const { rows } = await ask(
        'SELECT FROM lockstep.member WHERE queue = $1 AND session = $2 AND serial = $3 AND cardinality(replies) = $4',
        [`${namespace}/${key}`, session, serial, calls.length],
      );
      return rows.length === 1;
    },
    async standing(key, told): Promise<Standing | undefined> {
      const { rows } = await ask(STANDING, [namespace, key, `${namespace}/${key}`]);
      const { body, size, lent, waiting, low, ...standing } = rows[0] as Row;
      const { items, out, takers, putters, joins, left } = standing;
      const waiters = takers.length + putters.length + joins.length;
      const counts = [items.length, out.length, waiters];
      assert.deepEqual([size, lent, waiting], counts, `the counts of the members after ${told}`);
      if (items.length > 0) assert.ok(low !== null && low <= items[0]![0], `the first place after ${told}`);
      if (body === null) {
        assert.deepEqual([items, out, takers, putters, joins, left], [[], [], [], [], [], 0], told);
        return undefined;
      }
      const { kind } = JSON.parse(body) as { kind: string };
      return { ...standing, kind, items: items as readonly Item[] };
    },
    async clear(key, sessions) {
      const queue = `${namespace}/${key}`;
      await ask(
        `WITH i AS (DELETE FROM lockstep.item WHERE queue = $1), l AS (DELETE FROM lockstep.lent WHERE queue = $1),
           w AS (DELETE FROM lockstep.waiter WHERE queue = $1) DELETE FROM lockstep.member WHERE queue = $1`,
        [queue],
      );
      await clear(key, sessions);
    },
  };
}
