/**
 * The contract of RLock. Of B nothing is left out: case 21 (a child forked while its parent holds
 * the lock) is a child started meanwhile, as Node has no fork.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { RLock, Value } from 'lockstep';
import { suite } from '../support/stage.ts';
import { codeOfRelease } from '../support/targets.ts';
import { untilWaiting } from '../support/until.ts';

suite('RLock', (stage) => {
  stage.it(
    'B18: the owner acquires three times, and others wait until it has released three times',
    async () => {
      const lock = await stage.make.rlock();
      const [owner, other] = await stage.actors(2);
      for (const depth of [1, 2, 3]) {
        assert.deepEqual(await owner.do('acquire', lock), { recovered: false });
        assert.equal(await owner.do('depth', lock), depth);
      }
      assert.deepEqual((await stage.look(lock)).owner, owner.identity);
      const got = other.do('acquire', lock);
      await stage.untilWaiting(lock, 1);
      for (const depth of [2, 1]) {
        await owner.do('release', lock);
        assert.equal(await owner.do('depth', lock), depth);
        assert.deepEqual((await stage.look(lock)).owner, owner.identity);
        assert.deepEqual(other.pending, ['acquire']);
      }
      await owner.do('release', lock);
      assert.deepEqual(await got, { recovered: false });
      assert.equal((await stage.look(lock)).locked, true);
      const isOther = ({ owner }: { owner: unknown }): boolean => isDeepStrictEqual(owner, other.identity);
      await stage.until(lock, isOther, 'the other to be named');
    },
  );

  stage.inMemory("B19: another thread of the owner's process does not get it", async () => {
    const lock = stage.share(new RLock());
    const [owner] = await stage.actors(1);
    await owner.do('acquire', lock);
    assert.equal(await owner.do('acquiredByOwnThread', lock), false);
    await owner.do('release', lock);
    assert.equal(await owner.do('acquiredByOwnThread', lock), true);
  });

  stage.it('B21: only the owner may release it', async () => {
    const lock = await stage.make.rlock();
    const [owner, other] = await stage.actors(2);
    await owner.do('acquire', lock);
    await assert.rejects(other.do('release', lock), {
      name: 'NotOwnerError',
      code: 'ERR_LOCKSTEP_NOT_OWNER',
    });
    await assert.rejects(async () => lock.release(), { code: 'ERR_LOCKSTEP_NOT_OWNER' });
    assert.equal(await owner.do('depth', lock), 1);
    assert.equal(await other.do('tryAcquire', lock), null);
  });

  stage.inMemory('B21: a child started while its parent holds the lock does not own it', async () => {
    const lock = stage.share(new RLock());
    const hold = await lock.acquire();
    const child = stage.worker({ target: codeOfRelease, args: [lock] });
    child.start();
    assert.equal(await child.result, 'ERR_LOCKSTEP_NOT_OWNER');
    await child.join();
    assert.equal(lock.depth, 1);
    await hold.release();
    assert.equal((await stage.look(lock)).locked, false);
  });

  stage.it('B22: releasing it when it is free throws, also after balanced use', async () => {
    const lock = await stage.make.rlock();
    const [actor] = await stage.actors(1);
    await assert.rejects(actor.do('release', lock), {
      name: 'NotLockedError',
      code: 'ERR_LOCKSTEP_NOT_LOCKED',
    });
    for (let i = 0; i < 3; i++) await actor.do('acquire', lock);
    for (let i = 0; i < 3; i++) await actor.do('release', lock);
    await assert.rejects(actor.do('release', lock), {
      name: 'NotLockedError',
      code: 'ERR_LOCKSTEP_NOT_LOCKED',
    });
    assert.equal((await stage.look(lock)).locked, false);
  });

  stage.it('B23 HAZARD: the lock of an owner killed at depth 3 goes to a waiter, at depth 1', async () => {
    const lock = await stage.make.rlock();
    const [owner, waiter, next] = await stage.actors(3);
    for (let i = 0; i < 3; i++) await owner.do('acquire', lock);
    const got = waiter.do('acquire', lock);
    await stage.untilWaiting(lock, 1);
    await owner.kill();
    assert.deepEqual(await got, { recovered: true });
    assert.equal(await waiter.do('depth', lock), 1);
    await waiter.do('release', lock);
    assert.deepEqual(await next.do('tryAcquire', lock), { recovered: false });
  });

  stage.it('BX1: its owner enters again also by tryAcquire and with a timeout of 0 or less', async () => {
    const lock = await stage.make.rlock();
    const [owner, other] = await stage.actors(2);
    await owner.do('acquire', lock);
    assert.notEqual(await owner.do('tryAcquire', lock), null);
    assert.notEqual(await owner.do('acquire', lock, { timeout: 0 }), null);
    assert.notEqual(await owner.do('acquire', lock, { timeout: -1 }), null);
    assert.equal(await owner.do('depth', lock), 4);
    assert.equal(await other.do('tryAcquire', lock), null);
    assert.equal(await other.do('acquire', lock, { timeout: 0 }), null);
  });

  stage.it('acquiring one held by another with a timeout gives null once the time has passed', async () => {
    const lock = await stage.make.rlock();
    const [owner, other] = await stage.actors(2);
    await owner.do('acquire', lock);
    const { value, milliseconds } = await other.timed('acquire', lock, { timeout: 60 });
    assert.equal(value, null);
    assert.ok(milliseconds >= 60, `gave up after ${milliseconds} ms`);
  });

  stage.it('a hold gives back its own level once, however often it is released', async () => {
    const lock = await stage.make.rlock();
    const [owner] = await stage.actors(1);
    await owner.do('acquire', lock);
    await owner.do('acquire', lock);
    await owner.do('releaseHold', lock, 3);
    assert.equal(await owner.do('depth', lock), 1);
    await owner.do('releaseHold', lock, 3);
    assert.equal((await stage.look(lock)).locked, false);
  });

  for (const form of ['using', 'run'] as const) {
    stage.it(
      `the scoped form (${form}) releases on return and on error, and the error comes out`,
      async () => {
        const lock = await stage.make.rlock();
        const inside = stage.share(new Value('i32', 0));
        const [actor] = await stage.actors(1);
        assert.equal(await actor.do('scoped', lock, form, inside, 'returns'), 'returned from inside');
        assert.equal((await stage.look(lock)).locked, false);
        await assert.rejects(actor.do('scoped', lock, form, inside, 'throws'), { message: 'thrown inside' });
        assert.equal((await stage.look(lock)).locked, false);
        assert.equal(inside.value, 2);
      },
    );
  }

  stage.it('four that each add one again and again under the lock lose no addition', async () => {
    const lock = await stage.make.rlock();
    const counter = stage.share(new Value('i32', 0));
    const times = stage.rounds(3_000);
    const actors = await stage.actors(4);
    await Promise.all(actors.map((actor) => actor.do('addOneByOne', lock, counter, times)));
    assert.equal(counter.value, 4 * times);
  });
});

describe('RLock: scopes of one thread', () => {
  let lock = new RLock();
  afterEach(() => {
    lock.close();
    lock = new RLock();
  });
  after(() => lock.close());

  it('two runs at the same time exclude each other', async () => {
    let inside = 0;
    let most = 0;
    const body = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    };
    await Promise.all([lock.run(body), lock.run(body), lock.run(body)]);
    assert.equal(most, 1);
    assert.equal(lock.locked, false);
  });

  it('a run inside a run enters again, also after an await', async () => {
    const depths = await lock.run(async () => {
      const before = lock.depth;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return [before, await lock.run(async () => lock.depth), lock.depth];
    });
    assert.deepEqual(depths, [1, 2, 1]);
    assert.equal(lock.locked, false);
  });

  it('acquire inside a run enters again', async () => {
    const depth = await lock.run(async () => {
      using _hold = await lock.acquire();
      return lock.depth;
    });
    assert.equal(depth, 2);
    assert.equal(lock.locked, false);
  });

  it('a flow outside waits until the run is over', async () => {
    const order: string[] = [];
    let finish = (): void => {};
    const run = lock.run(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      order.push('run is over');
    });
    const outside = lock.acquire().then((hold) => {
      order.push('outside');
      hold.release();
    });
    await untilWaiting(lock, 1);
    finish();
    await Promise.all([run, outside]);
    assert.deepEqual(order, ['run is over', 'outside']);
  });
});
