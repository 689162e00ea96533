/** Over PostgreSQL too a waiter goes in when its offer arrives, while its claim is on the way. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { connect } from 'lockstep/cluster';
import pg from 'pg';
import { HANG_MS, until } from '../support/until.ts';
import { PostgresServer } from './servers/postgres.ts';

it('is in before the server has answered its claim', { timeout: HANG_MS }, async () => {
  const server = await PostgresServer.start();
  const pool = new pg.Pool({ connectionString: server.url });
  let gate = Promise.resolve();
  let open = (): void => {};
  /** A pool whose statements can be kept back. */
  const late = new Proxy(pool, {
    get(target, name): unknown {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      if (name !== 'query') return value.bind(target);
      return async (query: pg.QueryConfig) => {
        await gate;
        return target.query(query);
      };
    },
  });
  try {
    await using one = await connect({ postgres: server.url, claim: 20_000 });
    await using other = await connect({ postgres: late, lease: 60_000, claim: 20_000 });
    const hold = await one.lock('early').acquire();
    const next = other.lock('early').acquire();
    await until(async () => (await one.lock('early').describe()).waiting === 1, 'the waiter to queue');
    gate = new Promise((resolve) => {
      open = resolve;
    });
    await hold.release();
    const early = await next;
    assert.ok(early.valid);
    assert.ok(early.token > hold.token);
    open();
    const noted = async (): Promise<boolean> => (await one.lock('early').describe()).token === early.token;
    await until(noted, 'the claim to arrive');
    await early.release();
    assert.equal(await one.lock('early').locked, false);
  } finally {
    open();
    await pool.end();
    await server.stop();
  }
});
