/** Failures of PostgreSQL as users meet them: each has a code and advice, and nothing hangs. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import pg from 'pg';
import { until } from '../support/until.ts';
import { PostgresServer } from './servers/postgres.ts';

let server: PostgresServer;
let admin: pg.Client;

before(async () => {
  server = await PostgresServer.start();
  admin = new pg.Client(server.url);
  await admin.connect();
});
after(async () => {
  await admin.end();
  await server.stop();
});

/** The address for a user who has the rights to the schema, and these settings. */
async function userWith(settings: string): Promise<string> {
  await (await connect({ postgres: server.url })).close();
  await admin.query(`
    DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN END $$;
    ALTER ROLE guest RESET ALL;
    ALTER ROLE guest CONNECTION LIMIT -1;
    GRANT USAGE ON SCHEMA lockstep TO guest;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lockstep TO guest;
    ${settings}`);
  return server.url.replace('tester@', 'guest@');
}

function refusal(...parts: readonly RegExp[]): (error: { code: string; message: string }) => boolean {
  return ({ code, message }) => {
    assert.equal(code, 'ERR_LOCKSTEP_STORE');
    for (const part of parts) assert.match(message, part);
    return true;
  };
}

/** Both ask for the same lock, again and again. */
async function contend(one: Cluster, other: Cluster): Promise<number> {
  let sections = 0;
  const work = async (cluster: Cluster): Promise<void> => {
    for (let i = 0; i < 15; i++) await cluster.lock('busy').run(() => void sections++);
  };
  await Promise.all([work(one), work(other)]);
  return sections;
}

describe('connect', () => {
  const at = (change: (url: URL) => void): string => {
    const url = new URL(server.url);
    change(url);
    return url.href;
  };

  it('nobody listens there', async () => {
    const postgres = at((url) => {
      url.port = '1';
    });
    await assert.rejects(connect({ postgres }), refusal(/^connect: .*ECONNREFUSED.*start it, or check/));
  });

  it('no such database, no such user', async () => {
    const noDatabase = at((url) => {
      url.pathname = '/nowhere';
    });
    await assert.rejects(connect({ postgres: noDatabase }), refusal(/"nowhere".*create the database/));
    const noUser = at((url) => {
      url.username = 'nobody';
    });
    await assert.rejects(connect({ postgres: noUser }), refusal(/"nobody".*check the user and the password/));
  });

  it('a text that is no address', async () => {
    for (const postgres of ['hello', 'http://localhost/', 'redis://localhost'])
      await assert.rejects(connect({ postgres }), {
        code: 'ERR_LOCKSTEP_INVALID_TYPE',
        message: /postgres:\/\//,
      });
  });

  it('a Client of pg in the place of a pool', async () => {
    const client = new pg.Client(server.url) as unknown as pg.Pool;
    await assert.rejects(connect({ postgres: client }), {
      code: 'ERR_LOCKSTEP_INVALID_TYPE',
      message: /is a Client of pg.*pass a URL, or a Pool/,
    });
  });

  it('no right to make the schema, none to use it, then enough', async () => {
    await userWith('REVOKE USAGE ON SCHEMA lockstep FROM guest');
    const postgres = server.url.replace('tester@', 'guest@');
    await assert.rejects(connect({ postgres }), refusal(/permission denied.*grant this user/));
    await admin.query('DROP SCHEMA lockstep CASCADE; REVOKE CREATE ON DATABASE postgres FROM PUBLIC');
    await assert.rejects(
      connect({ postgres }),
      refusal(/permission denied.*connect once as a user who may create/),
    );
    await userWith('');
    await (await connect({ postgres })).close();
  });

  it('a replica, or a session that may only read', async () => {
    const postgres = await userWith('ALTER ROLE guest SET default_transaction_read_only = on');
    await assert.rejects(connect({ postgres }), refusal(/read-only.*connect to the primary/));
  });

  it('all connections are taken', async () => {
    const postgres = await userWith('ALTER ROLE guest CONNECTION LIMIT 0');
    await assert.rejects(connect({ postgres }), refusal(/too many connections.*raise the limit/));
  });
});

describe('at work', () => {
  it('transactions that are not read committed are refused with the setting to change', async () => {
    const postgres = await userWith("ALTER ROLE guest SET default_transaction_isolation = 'serializable'");
    await using cluster = await connect({ postgres });
    await assert.rejects(
      cluster.lock('a').acquire(),
      refusal(/^cluster: refused.*set default_transaction_isolation/),
    );
  });

  it('one connection is enough: what nobody can hear is looked for', async () => {
    const postgres = await userWith('ALTER ROLE guest CONNECTION LIMIT 1');
    await using limited = await connect({ postgres, lease: 60_000 });
    await using other = await connect({ postgres: server.url });
    const hold = await other.lock('one').acquire();
    const waiting = limited.lock('one').acquire();
    await until(async () => (await other.lock('one').describe()).waiting === 1, 'the waiter to queue');
    await hold.release();
    await (await waiting).release();
  });

  it('connections that end when idle do no harm, and the one that listens stays', async () => {
    const postgres = await userWith("ALTER ROLE guest SET idle_session_timeout = '100ms'");
    await using cluster = await connect({ postgres });
    const states: string[] = [];
    cluster.on('suspended', ({ message }) => states.push(message));
    const hold = await cluster.lock('idle').acquire();
    const own = async (): Promise<number> => {
      const { rows } = await admin.query(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename = 'guest'",
      );
      return rows[0].n;
    };
    await until(async () => (await own()) === 1, 'the idle connection to end');
    await hold.release();
    assert.deepEqual(states, []);
    assert.equal(cluster.state, 'connected');
  });

  it('statements that give up on a lock of the server are made again', async () => {
    const postgres = await userWith("ALTER ROLE guest SET lock_timeout = '1ms'");
    await using one = await connect({ postgres });
    await using other = await connect({ postgres });
    assert.equal(await contend(one, other), 30);
  });

  it('DISCARD ALL between the statements of a pool of one connection', async () => {
    const pool = new pg.Pool({ connectionString: server.url, max: 1 });
    try {
      await using one = await connect({ postgres: pool });
      await using other = await connect({ postgres: server.url });
      assert.equal(await contend(one, other), 30);
      await pool.query('DISCARD ALL');
      assert.equal(await contend(one, other), 30);
    } finally {
      await pool.end();
    }
  });

  it('a dropped schema: calls are refused, the lease is lost, and a new session makes it again', async () => {
    await using cluster = await connect({ postgres: server.url, lease: 1_000 });
    const hold = await cluster.lock('a').acquire();
    const lost = once(cluster, 'lost');
    await admin.query('DROP SCHEMA lockstep CASCADE');
    await assert.rejects(
      cluster.lock('b').acquire(),
      refusal(/does not exist.*connect again, which makes the missing parts/),
    );
    await lost;
    assert.equal(hold.valid, false);
    await (await cluster.lock('b').acquire()).release();
  });

  it('a dropped table is made again by the next connection', async () => {
    await admin.query('DROP TABLE lockstep.object');
    await using cluster = await connect({ postgres: server.url });
    await (await cluster.lock('b').acquire()).release();
  });

  it('a server that is gone: suspended, lost, and a reason in each error; then it is back', async () => {
    const cluster = await connect({ postgres: server.url, lease: 1_000 });
    const hold = await cluster.lock('a').acquire();
    const other = await connect({ postgres: server.url, lease: 500 });
    const waiting = other.lock('a').acquire();
    await until(async () => (await cluster.lock('a').describe()).waiting === 1, 'the other to wait');
    const seen: [string, string][] = [];
    cluster.on('suspended', ({ code }) => seen.push(['suspended', code]));
    cluster.on('lost', ({ code }) => seen.push(['lost', code]));
    admin.on('error', () => {});
    await server.kill();
    await until(() => seen.length > 1, 'the lease to end');
    assert.deepEqual(seen.slice(0, 2), [
      ['suspended', 'ERR_LOCKSTEP_STORE'],
      ['lost', 'ERR_LOCKSTEP_LEASE_LOST'],
    ]);
    assert.ok(hold.signal.aborted);
    await assert.rejects(hold.release(), { code: 'ERR_LOCKSTEP_LEASE_LOST' });
    await assert.rejects(
      cluster.lock('b').acquire({ timeout: 10 }),
      refusal(/can't be reached, .*ECONNREFUSED/),
    );
    await server.start();
    await until(() => cluster.state === 'connected', 'a new session');
    await (await cluster.lock('b').acquire()).release();
    await (await waiting).release();
    admin = new pg.Client(server.url);
    await admin.connect();
    await Promise.all([cluster.close(), other.close()]);
    // No connection is left of all that were tried meanwhile.
    const left = async (): Promise<number> => {
      const { rows } = await admin.query(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%LISTEN \"lockstep%'",
      );
      return rows[0].n;
    };
    await until(async () => (await left()) === 0, 'the connections to end');
  });
});
