/**
 * Programs of two layout versions: each refuses what the other is using, and works when that has
 * gone.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, describe, it } from 'node:test';
import { Lock } from 'lockstep';
import { run } from '../support/programs.ts';
import { listing, sandbox } from '../support/sandbox.ts';
import { HANG_MS } from '../support/until.ts';
import { Holder } from './holders.ts';
import { OtherVersion } from './other-version.ts';

interface Outcome {
  done?: unknown;
  name?: string;
  code?: string;
  message?: string;
}

describe('a program of another layout version', { timeout: HANG_MS }, () => {
  const other = new OtherVersion();
  let holder: Holder | undefined;
  afterEach(() => holder?.kill());
  after(async () => {
    await run('tries', { args: ['anonymous'] });
    other.remove();
  });

  const sides = [
    { who: 'this', from: undefined, found: other.version, reads: other.ours },
    { who: 'the other', from: other.programs, found: other.ours, reads: other.version },
  ];
  for (const [index, { who, from, found, reads }] of sides.entries()) {
    const foreign = sides[1 - index]?.from;
    const tries = async (attempt: string): Promise<Outcome> => {
      const options = from === undefined ? {} : { from };
      const { stdout, stderr } = await run('tries', { ...options, args: [attempt, 'held'] });
      assert.equal(stderr, '');
      return JSON.parse(stdout) as Outcome;
    };

    for (const how of ['ended', 'was killed'] as const) {
      it(`is refused by ${who} with a LayoutError that names both, and does not stop others when it ${how}`, async () => {
        holder = new Holder(foreign === undefined ? {} : { from: foreign });
        await holder.held();
        const refusal = await tries('named');
        assert.equal(refusal.code, 'ERR_LOCKSTEP_LAYOUT', JSON.stringify(refusal));
        assert.equal(refusal.name, 'LayoutError');
        assert.match(
          refusal.message ?? '',
          new RegExp(`version is ${found} and this Lockstep reads ${reads}`),
        );
        // Its own objects do not depend on versions.
        assert.deepEqual(await tries('anonymous'), { done: false });
        assert.equal(holder.program.child.exitCode, null);
        if (how === 'ended') {
          holder.program.kill('SIGINT');
          await once(holder.program.child, 'close');
        } else await holder.kill();
        assert.deepEqual(await tries('named'), { done: false });
        assert.deepEqual(listing(sandbox), []);
      });
    }
  }

  it('that was killed does not stop a program that has been running all the time', async () => {
    const own = new Lock();
    holder = new Holder({ from: other.programs });
    await holder.held();
    assert.throws(() => new Lock({ name: 'held' }), { name: 'LayoutError', code: 'ERR_LOCKSTEP_LAYOUT' });
    await holder.kill();
    const lock = new Lock({ name: 'held' });
    assert.equal(lock.tryAcquire()?.recovered, false);
    lock.close();
    own.close();
  });
});
