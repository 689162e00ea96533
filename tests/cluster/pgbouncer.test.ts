/**
 * The contract of the cluster's locks and queues through PgBouncer, which gives each transaction
 * another connection: nothing can listen, and prepared statements get lost.
 */

import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { connect } from 'lockstep/cluster';
import { lockCases } from './contract/lock.ts';
import { queueCases } from './contract/queue.ts';
import type { World } from './contract/world.ts';
import { PgBouncer } from './servers/pgbouncer.ts';
import { PostgresServer } from './servers/postgres.ts';

const server = await PostgresServer.start();
const bouncer = await PgBouncer.before(server.port);

const behind: World = {
  name: 'PostgreSQL behind PgBouncer',
  connect: (options) => connect({ ...options, postgres: bouncer.url, listen: false, poll: 20 }),
};

lockCases(behind);
queueCases(behind);

it('works without `listen: false` too, only slower: statements that got lost are sent in full', async () => {
  const options = { postgres: bouncer.url, namespace: 'unaware', lease: 3_000 };
  const members = await Promise.all([connect(options), connect(options), connect(options)]);
  let inside = 0;
  const tokens: number[] = [];
  const work = members.map(async (member) => {
    for (let round = 0; round < 5; round++) {
      await member.lock('it').run(({ token }) => {
        assert.equal(++inside, 1);
        tokens.push(token);
        inside--;
      });
    }
  });
  await Promise.all(work);
  assert.deepEqual(
    tokens,
    [...tokens].sort((a, b) => a - b),
  );
  assert.equal(new Set(tokens).size, 15);
  await Promise.all(members.map((member) => member.close()));
});

after(async () => {
  await bouncer.stop();
  await server.stop();
});
