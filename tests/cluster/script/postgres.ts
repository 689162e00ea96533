/** Histories at a PostgreSQL server. */

import pg from 'pg';
import { PostgresStore } from '../../../src/cluster/stores/postgres.ts';
import { PLACES, QUEUES } from '../../../src/cluster/stores/postgres-schema.ts';
import type { Heard } from './histories.ts';
import { LOCKS, MOST_SESSIONS, sessionAt } from './histories.ts';
import type { Grounds } from './run.ts';
import { noteRing } from './run.ts';

const CONNECTIONS = 6;
const HOUR_MS = 3_600_000;

export interface PostgresGround extends Grounds {
  readonly namespace: string;
  /** Prepares the statement: it is made many times. */
  ask(text: string, values: unknown[]): Promise<pg.QueryResult>;
}

/** With mutants in the place of the functions of places and of queues if they are given. */
export async function postgresGround(url: string, mutant?: string): Promise<PostgresGround> {
  // What they write need not outlive the test.
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS, options: '-c synchronous_commit=off' });
  const listener = new pg.Client(url);
  await listener.connect();
  const namespace = `histories-${process.pid}-${performance.now()}`;
  // `listen`: then the statements of the store are prepared. It listens for nothing, as no session
  // opens.
  const store = await PostgresStore.at({ postgres: pool, listen: true }, namespace, 60_000);
  await pool.query(`${PLACES}${QUEUES}`);
  if (mutant !== undefined) await pool.query(mutant);
  const heard: Heard = new Map();
  let allHeard!: () => void;
  const over = new Promise<void>((resolve) => {
    allHeard = resolve;
  });
  listener.on('notification', ({ channel, payload = '' }) => {
    const session = channel.slice('lockstep_'.length);
    if (session === 'over') allHeard();
    else noteRing(heard, session, payload);
  });
  const sessions = Array.from({ length: CONNECTIONS }, (_, place) =>
    Array.from({ length: MOST_SESSIONS }, (_none, index) => sessionAt(place, index)),
  );
  const channels = [...sessions.flat(), 'over'].map((session) => `LISTEN "lockstep_${session}"`);
  await listener.query(channels.join(';'));
  // Nothing has to be there after the run.
  await pool.query('ALTER TABLE lockstep.object SET UNLOGGED; ALTER TABLE lockstep.session SET UNLOGGED');
  let statements = 0;
  const names = new Map<string, string>();
  const ask = (text: string, values: unknown[]): Promise<pg.QueryResult> => {
    const name = names.get(text) ?? `history_${++statements}`;
    names.set(text, name);
    return pool.query({ name, text, values });
  };
  return {
    namespace,
    ask,
    store,
    tombstoneMs: HOUR_MS,
    subjects: LOCKS,
    whole: false,
    early: true,
    urgentLast: false,
    atATime: CONNECTIONS,
    now: async () => Date.now(),
    begin: async (sessions) => {
      await ask(
        `INSERT INTO lockstep.session SELECT s, $2, clock_timestamp() + interval '1 hour' FROM unnest($1::text[]) s`,
        [sessions, namespace],
      );
    },
    kill: async (session) => {
      await ask('DELETE FROM lockstep.session WHERE id = $1', [session]);
    },
    plant: async (key, version, sessions, body) => {
      await ask('INSERT INTO lockstep.object VALUES ($1, $2, $3, $4, $5, NULL)', [
        namespace,
        key,
        version,
        sessions,
        body,
      ]);
    },
    raw: async (key) => {
      const { rows } = await ask(
        `SELECT version::float8, sessions, coalesce(body, '') AS body,
           coalesce(date_part('epoch', until - clock_timestamp()) * 1000, -1) AS lifetime
         FROM lockstep.object WHERE namespace = $1 AND name = $2`,
        [namespace, key],
      );
      return rows[0] ?? null;
    },
    clear: async (key, sessions) => {
      await ask(
        `WITH gone AS (DELETE FROM lockstep.session WHERE id = ANY($3))
         DELETE FROM lockstep.object WHERE namespace = $1 AND name = $2`,
        [namespace, key, sessions],
      );
    },
    heard: async () => {
      await pool.query('NOTIFY lockstep_over');
      await over;
      return heard;
    },
    end: async () => {
      await store.end();
      await pool.end();
      await listener.end();
    },
  };
}
