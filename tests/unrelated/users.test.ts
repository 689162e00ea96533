/** Attempts of other users of the machine on the memory: nothing. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { Lock, Process, Value } from 'lockstep';
import { namespaceFolder, place, removePlace } from '../support/places.ts';
import { run } from '../support/programs.ts';
import { listing, sandbox } from '../support/sandbox.ts';
import { lingers } from '../support/targets.ts';
import { HANG_MS, untilWaiting } from '../support/until.ts';
import { Holder } from './holders.ts';

const NOBODY = 65_534;
const skip = process.geteuid?.() === 0 ? false : 'running programs as another user takes root';
const holders: Holder[] = [];

function start(options: ConstructorParameters<typeof Holder>[0]): Holder {
  const holder = new Holder(options);
  holders.push(holder);
  return holder;
}

describe('shared memory', { timeout: HANG_MS }, () => {
  afterEach(async () => {
    await Promise.all(holders.splice(0).map((holder) => holder.kill()));
  });
  after(() => run('tries', { args: ['anonymous'] }));

  for (const umask of [0o000, 0o022, 0o077]) {
    it(`is for its user only, whatever the umask (${umask.toString(8).padStart(3, '0')})`, async () => {
      const before = process.umask(umask);
      try {
        using lock = new Lock({ name: 'kept', namespace: `umask-${umask}` });
        using _anonymous = new Value('i32', 0);
        const hold = lock.acquireSync();
        const next = lock.acquire(); // Awaiting takes a bell.
        await untilWaiting(lock, 1);
        const child = new Process({ target: lingers, daemon: true });
        child.start();
        for (const file of listing(sandbox)) {
          const stats = lstatSync(join(sandbox, file));
          assert.equal(stats.mode & 0o777, stats.isDirectory() ? 0o700 : 0o600, file);
        }
        const kinds = ['control', 'agent-1', 'bell-1', 'names', 'name-kept'];
        const made = listing(namespaceFolder(sandbox, `umask-${umask}`));
        assert.deepEqual(
          kinds.filter((kind) => !made.includes(kind)),
          [],
        );
        child.kill();
        await child.join();
        hold.release();
        (await next).release();
      } finally {
        process.umask(before);
      }
    });
  }

  it('is another one for each user, under the same name', { skip }, async () => {
    const base = place();
    chmodSync(sandbox, 0o711);
    chmodSync(base, 0o1777);
    const env = { LOCKSTEP_DIR: base };
    const mine = start({ env });
    const theirs = start({ env, user: NOBODY });
    assert.deepEqual([(await mine.held()).starts, (await theirs.held()).starts], [1, 1]);
    await mine.kill();
    assert.equal((await start({ env }).held()).recovered, false);
    await Promise.all(holders.splice(0).map((holder) => holder.kill()));
    for (const user of [0, NOBODY]) await run('tries', { args: ['anonymous'], env, user });
    assert.deepEqual(listing(base), []);
    removePlace(base);
  });

  it("of another user can't be had by its handle", { skip }, async () => {
    chmodSync(sandbox, 0o711);
    using lock = new Lock({ name: 'mine' });
    const args = [lock.handle];
    assert.equal((await run('opens-handle', { args })).stdout, 'taken\n');
    const { stdout } = await run('opens-handle', { args, user: NOBODY });
    assert.equal(stdout, 'ERR_LOCKSTEP_FOLDER\n');
    assert.equal(lock.tryAcquire()?.recovered, false);
  });
});
