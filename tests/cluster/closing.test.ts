/** A connection that is closed while it begins another session. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { connect } from 'lockstep/memory';
import { HANG_MS } from '../support/until.ts';
import { untilWaiting } from './contract/world.ts';

interface Internals {
  core: {
    session: {
      readonly id: string;
      readonly store: { server: { guests: ReadonlyMap<string, unknown> } };
      lose(id: string): Error;
    };
  };
}

it('leaves no session at the server, and no call that waits', { timeout: HANG_MS }, async () => {
  const cluster = await connect({ namespace: 'closing' });
  const queue = cluster.queue('it');
  const { session } = (cluster as unknown as Internals).core;
  const waits = assert.rejects(queue.get(), { code: 'ERR_LOCKSTEP_STORE' });
  await untilWaiting(queue, 1);
  const first = session.id;
  // It notices the loss, as after a pause of the machine, and asks for another session.
  session.lose(first);
  await cluster.close();
  await waits;
  // Of the one that was lost, the server knows no more than its lease.
  const { guests } = session.store.server;
  assert.deepEqual(
    [...guests.keys()].filter((id) => id !== first),
    [],
  );
});
