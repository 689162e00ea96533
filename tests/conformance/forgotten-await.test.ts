/**
 * A forgotten `await`: the error of a release says that an `acquire()` of its thread still waits.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Condition, Lock, RLock, RWLock } from 'lockstep';
import { suite } from '../support/stage.ts';

const ADVICE = /an acquire\(\) of this thread still waits for it; write "await" in front of that acquire\(\)/;

suite('a forgotten await', (stage) => {
  for (const Kind of [Lock, RLock]) {
    stage.it(
      `${Kind.name}: release() of what another thread holds is refused while acquire() waits`,
      async () => {
        const lock = stage.share(new Kind());
        const [actor] = await stage.actors(1);
        await actor.do('acquire', lock);
        const forgotten = lock.acquire();
        assert.throws(() => lock.release(), { code: 'ERR_LOCKSTEP_NOT_OWNER', message: ADVICE });
        assert.equal(lock.owner?.pid, actor.pid, 'the other still holds it');
        await actor.do('release', lock);
        (await forgotten).release();
        assert.equal(lock.locked, false);
      },
    );
  }

  stage.it(
    "a Lock that others may release, as said by deadlock: 'ignore', is released all the same",
    async () => {
      const lock = stage.share(new Lock({ deadlock: 'ignore' }));
      const [actor] = await stage.actors(1);
      await actor.do('acquire', lock);
      const wait = lock.acquire();
      lock.release();
      (await wait).release();
    },
  );

  stage.it('a Condition whose lock is still waited for says so', async () => {
    const lock = stage.share(new Lock());
    const condition = new Condition(lock);
    const [actor] = await stage.actors(1);
    await actor.do('acquire', lock);
    const forgotten = condition.acquire();
    assert.throws(() => condition.notify(), { code: 'ERR_LOCKSTEP_NOT_OWNER', message: ADVICE });
    await actor.do('release', lock);
    (await forgotten).release();
  });
});

describe('a forgotten await in one thread', () => {
  it('RWLock: release() of a side that still waits says so', async () => {
    const rwlock = new RWLock();
    const hold = await rwlock.read.acquire();
    const forgotten = rwlock.write.acquire({ deadlock: 'ignore' });
    assert.throws(() => rwlock.write.release(), { code: 'ERR_LOCKSTEP_NOT_OWNER', message: ADVICE });
    hold.release();
    (await forgotten)?.release();
  });

  it('what acquire() returns is a promise: it has no release(), and is no resource for using', async () => {
    const promise = new Lock().acquire() as unknown as { release(): void };
    assert.throws(() => promise.release(), TypeError);
    assert.equal(Symbol.dispose in promise, false);
    (await (promise as unknown as Promise<{ release(): void }>)).release();
  });
});
