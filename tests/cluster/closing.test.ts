/** What a closed connection, and calls that have ended, leave behind: nothing. */

import assert from 'node:assert/strict';
import { execFile as execFileOf } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from 'lockstep/memory';
import { HANG_MS } from '../support/until.ts';
import { untilWaiting } from './contract/world.ts';

const execFile = promisify(execFileOf);

interface Internals {
  core: {
    bells: { ringAll(): void };
    session: {
      readonly id: string;
      readonly store: { server: { guests: ReadonlyMap<string, unknown> } };
      lose(id: string): Error;
      close(): Promise<void>;
    };
  };
}

it('leaves no session at the server, and no call that waits', { timeout: HANG_MS }, async () => {
  const cluster = await connect({ namespace: 'closing' });
  const queue = cluster.queue('it');
  const { core } = cluster as unknown as Internals;
  const { session } = core;
  const waits = assert.rejects(queue.get(), { code: 'ERR_LOCKSTEP_STORE' });
  await untilWaiting(queue, 1);
  const first = session.id;
  // It notices the loss, as after a pause of the machine, and asks for another session. The server
  // answers when the connection is closed.
  session.lose(first);
  core.bells.ringAll();
  // The call asks for the next session meanwhile.
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await session.close();
  await cluster.close();
  await waits;
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  // Of the one that was lost, the server knows no more than its lease.
  const { guests } = session.store.server;
  assert.deepEqual(
    [...guests.keys()].filter((id) => id !== first),
    [],
  );
});

it('a timeout of a call that was served does not keep its program alive', { timeout: HANG_MS }, async () => {
  const program = `
    import { connect } from 'lockstep/memory';
    const cluster = await connect({ namespace: 'timeouts' });
    const { signal } = new AbortController();
    const hold = await cluster.lock('it').acquire({ timeout: 3_600_000, signal });
    await hold.release();
    await cluster.queue('them').put(1, { timeout: 3_600_000 });
    await cluster.close();`;
  const { stderr, status } = await execFile(process.execPath, ['--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
  }).then(
    ({ stderr }) => ({ stderr, status: 0 }),
    (error: { stderr: string; code: number }) => ({ stderr: error.stderr, status: error.code }),
  );
  assert.deepEqual({ stderr, status }, { stderr: '', status: 0 });
});
