/**
 * Lock, RLock and RWLock over a store, case by case.
 */

import assert from 'node:assert/strict';
import type { Cluster } from 'lockstep/memory';
import type { World } from './world.ts';
import { abandon, atRest, cases, doomedCall, silence, stillWaits, untilWaiting, watchers } from './world.ts';

const LEASE = 600;

export function lockCases(world: World): void {
  cases('Lock', world, ({ it, omit }) => {
    it('acquiring a free lock leaves it locked, and it names the session that holds it', async (company) => {
      const [one, other] = await company.join(2);
      const lock = one.lock('it');
      assert.equal(await other.lock('it').locked, false);
      const hold = await lock.acquire();
      assert.equal(hold.recovered, false);
      assert.equal(await other.lock('it').locked, true);
      const { owner, token } = await other.lock('it').describe();
      assert.deepEqual([owner, token], [one.session, hold.token]);
      await lock.release();
      assert.deepEqual(await other.lock('it').describe(), {
        kind: 'Lock',
        name: 'it',
        locked: false,
        owner: null,
        token: null,
        waiting: 0,
      });
    });

    it('acquiring a held lock with a timeout gives null once the time has passed', async (company) => {
      const [one, other] = await company.join(2);
      await one.lock('it').acquire();
      const began = performance.now();
      assert.equal(await other.lock('it').acquire({ timeout: 60 }), null);
      assert.ok(performance.now() - began >= 59);
      await untilWaiting(one.lock('it'), 0);
    });

    it('a timeout of 0 or less tries once: null on a held lock, a hold on a free one', async (company) => {
      const [one, other] = await company.join(2);
      for (const timeout of [0, -1, Number.NEGATIVE_INFINITY]) {
        const hold = await one.lock('it').acquire();
        assert.equal(await other.lock('it').acquire({ timeout }), null);
        await hold.release();
        const got = await other.lock('it').acquire({ timeout });
        assert.equal(got?.valid, true);
        await got.release();
      }
    });

    it('tryAcquire never waits, and the lock is still usable after a timeout', async (company) => {
      const [one, other] = await company.join(2);
      const hold = await one.lock('it').acquire();
      assert.equal(await other.lock('it').tryAcquire(), null);
      assert.equal(await other.lock('it').acquire({ timeout: 10 }), null);
      await hold.release();
      assert.notEqual(await other.lock('it').tryAcquire(), null);
      assert.equal(await one.lock('it').tryAcquire(), null);
    });

    omit(
      'a lock acquired by one may be released by another',
      'a hold stands under the lease of its session: released by another it would be invalid and look valid',
    );

    it('run releases on return and on error, and the error comes out', async (company) => {
      const [one, other] = await company.join(2);
      const lock = one.lock('it');
      assert.equal(await lock.run(() => 'done'), 'done');
      await assert.rejects(
        lock.run(async () => {
          assert.equal(await other.lock('it').locked, true);
          throw new RangeError('thrown inside');
        }),
        { name: 'RangeError', message: 'thrown inside' },
      );
      assert.equal(await lock.locked, false);
      await other.lock('it').acquire();
      assert.equal(await lock.run(() => 'never', { timeout: 10 }), null);
    });

    it('the signal of a hold that was released never aborts, and nothing is kept for it', async (company) => {
      const [one] = await company.join(1);
      const hold = await one.lock('it').acquire();
      const { signal } = hold;
      await hold.release();
      const late = await one.lock('it').acquire();
      await late.release();
      assert.equal(watchers(one), 0);
      await one.close();
      assert.equal(signal.aborted, false);
      assert.equal(late.signal.aborted, false);
    });

    it('four that each read, wait and write 25 times under the lock lose nothing', async (company) => {
      const members = await company.join(4);
      const work = async (member: Cluster): Promise<void> => {
        const [lock, value] = [member.lock('it'), member.value('count')];
        for (let i = 0; i < 25; i++) {
          await lock.run(async (hold) => {
            const before = await value.get();
            await value.set(before + 1, { hold });
          });
        }
      };
      await Promise.all(members.map(work));
      assert.equal(await members[0].value('count').get(), 100);
    });

    it('the lock of a dead holder goes to a waiter when its lease is over, with `recovered`', async (company) => {
      const [waiter] = await company.watchful(1);
      const [dead] = await company.join(1, { lease: LEASE });
      const held = await dead.lock('it').acquire();
      const got = waiter.lock('it').acquire();
      await untilWaiting(waiter.lock('it'), 1);
      abandon(dead);
      const [other] = await company.join(1);
      const behind = other.lock('it').acquire();
      const hold = await got;
      assert.equal(hold.recovered, true);
      assert.ok(hold.token > held.token);
      await hold.release();
      const last = await behind;
      assert.equal(last.recovered, false);
      assert.equal(held.valid, false, 'the dead one knows it by its own clock');
    });

    it('a waiter that dies leaves the queue, and the one behind it gets the lock', async (company) => {
      const [holder, next] = await company.watchful(2);
      const [doomed] = await company.join(1, { lease: LEASE });
      const hold = await holder.lock('it').acquire();
      doomedCall(doomed.lock('it').acquire());
      await untilWaiting(holder.lock('it'), 1);
      const got = next.lock('it').acquire();
      await untilWaiting(holder.lock('it'), 2);
      await atRest(doomed);
      abandon(doomed);
      await hold.release();
      assert.equal((await got).recovered, false);
    });

    it('a call that is aborted rejects with the reason, and leaves no trace', async (company) => {
      const [one, other] = await company.join(2);
      const hold = await one.lock('it').acquire();
      const controller = new AbortController();
      const got = other.lock('it').acquire({ signal: controller.signal });
      await untilWaiting(one.lock('it'), 1);
      const reason = new Error('no more');
      controller.abort(reason);
      await assert.rejects(got, reason);
      await untilWaiting(one.lock('it'), 0);
      await hold.release();
      assert.equal(await one.lock('it').locked, false);
      await assert.rejects(other.lock('it').acquire({ signal: controller.signal }), reason);
    });

    it('those who wait are served in the order in which they came, each with a larger token', async (company) => {
      const members = await company.join(5);
      const hold = await members[0].lock('it').acquire();
      const order: number[] = [];
      const tokens = [hold.token];
      const all: Promise<void>[] = [];
      for (let i = 1; i < 5; i++) {
        const waits = members[i]!.lock('it').run(({ token }) => {
          order.push(i);
          tokens.push(token);
        });
        all.push(waits);
        await untilWaiting(members[0].lock('it'), i);
      }
      await hold.release();
      await Promise.all(all);
      assert.deepEqual(order, [1, 2, 3, 4]);
      assert.deepEqual(
        tokens,
        [...tokens].sort((a, b) => a - b),
      );
      assert.equal(new Set(tokens).size, 5);
    });

    it('calls of one connection exclude each other, too', async (company) => {
      const [one] = await company.join(1);
      let inside = 0;
      await Promise.all(
        Array.from({ length: 20 }, () =>
          one.lock('it').run(async () => {
            assert.equal(++inside, 1);
            await one.value('a turn').get();
            inside--;
          }),
        ),
      );
    });

    it('a waiter that does not take what it is offered goes to the tail, and the next is served', async (company) => {
      const [holder, next] = await company.join(2, { claim: 60 });
      const [stalled] = await company.join(1, { claim: 60 });
      const hold = await holder.lock('it').acquire();
      const late = stalled.lock('it').acquire();
      await untilWaiting(holder.lock('it'), 1);
      const got = next.lock('it').acquire();
      await untilWaiting(holder.lock('it'), 2);
      // Its event loop is blocked, as far as anybody can tell: it looks at nothing.
      await atRest(stalled);
      const wake = silence(stalled);
      await hold.release();
      const second = await got;
      wake();
      await second.release();
      const last = await late;
      assert.ok(last.token > second.token);
    });

    it('a hold releases once, and a released one is not valid', async (company) => {
      const [one, other] = await company.join(2);
      const hold = await one.lock('it').acquire();
      assert.equal(hold.valid, true);
      await hold.release();
      await hold.release();
      assert.equal(hold.valid, false);
      const next = await other.lock('it').acquire();
      await hold.release();
      assert.equal(await one.lock('it').locked, true);
      await next.release();
    });

    it('releasing what this connection does not hold is refused', async (company) => {
      const [one, other] = await company.join(2);
      await assert.rejects(one.lock('it').release(), { code: 'ERR_LOCKSTEP_NOT_LOCKED' });
      await other.lock('it').acquire();
      await assert.rejects(one.lock('it').release(), { code: 'ERR_LOCKSTEP_NOT_OWNER' });
    });

    it('a closed connection has let go of what it held', async (company) => {
      const [one, other] = await company.join(2);
      {
        await using leaving = one;
        await leaving.lock('it').acquire();
        assert.equal(await other.lock('it').tryAcquire(), null);
      }
      assert.notEqual(await other.lock('it').tryAcquire(), null);
      await assert.rejects(one.lock('it').acquire(), { code: 'ERR_LOCKSTEP_STORE' });
    });

    it('a name that is another kind of object is refused', async (company) => {
      const [one] = await company.join(1);
      await one.lock('it').acquire();
      await assert.rejects(one.event('it').set(), { code: 'ERR_LOCKSTEP_NAME_TAKEN' });
      assert.throws(() => one.lock(''), { code: 'ERR_LOCKSTEP_NAME' });
    });

    it('an option that nothing has is refused, with the one that was meant', async (company) => {
      const [one] = await company.join(1);
      const meant = (name: string): object => ({
        code: 'ERR_LOCKSTEP_INVALID_TYPE',
        message: new RegExp(`did you mean \`${name}\``),
      });
      assert.throws(() => one.queue('it', { maxsize: 3 } as never), meant('maxSize'));
      assert.throws(() => one.barrier('it', 2, { acton: () => 1 } as never), meant('action'));
      await assert.rejects(world.connect({ namespace: 'it', leese: 3 } as never), meant('lease'));
    });
  });

  cases('RLock', world, ({ it }) => {
    it('its owner takes it again, and it is free when released as often', async (company) => {
      const [one, other] = await company.join(2);
      const lock = one.rlock('it');
      const outer = await lock.acquire();
      const inner = await one.rlock('it').acquire();
      assert.equal(lock.depth, 2);
      assert.equal(inner.token, outer.token);
      await inner.release();
      await inner.release();
      assert.equal(await other.rlock('it').tryAcquire(), null);
      await lock.release();
      assert.equal(lock.depth, 0);
      assert.notEqual(await other.rlock('it').tryAcquire(), null);
    });

    it('two concurrent runs exclude each other, a run inside a run re-enters', async (company) => {
      const [one] = await company.join(1);
      const lock = one.rlock('it');
      let inside = 0;
      const work = (): Promise<void> =>
        lock.run(async () => {
          assert.equal(++inside, 1);
          await lock.run(async () => assert.equal(lock.depth, 2));
          await one.value('a turn').get();
          inside--;
        });
      await Promise.all([work(), work(), work()]);
      await assert.rejects(lock.release(), { code: 'ERR_LOCKSTEP_NOT_LOCKED' });
    });
  });

  cases('RWLock', world, ({ it }) => {
    it('readers are inside together, a writer alone', async (company) => {
      const [one, two, three] = await company.join(3);
      const read = await one.rwlock('it').read.acquire();
      const also = await two.rwlock('it').read.acquire();
      assert.deepEqual(
        new Set((await three.rwlock('it').describe()).readers),
        new Set([one.session, two.session]),
      );
      assert.equal(await three.rwlock('it').write.tryAcquire(), null);
      await Promise.all([read.release(), also.release()]);
      const write = await three.rwlock('it').write.acquire();
      assert.equal(await one.rwlock('it').read.tryAcquire(), null);
      assert.equal((await one.rwlock('it').describe()).writer, three.session);
      await write.release();
    });

    it('a waiting writer keeps later readers out', async (company) => {
      const [one, two, three] = await company.join(3);
      const read = await one.rwlock('it').read.acquire();
      const write = two.rwlock('it').write.acquire();
      await untilWaiting(one.rwlock('it'), 1);
      const late = three.rwlock('it').read.acquire();
      await untilWaiting(one.rwlock('it'), 2);
      await read.release();
      const written = await write;
      await stillWaits(late, one);
      await written.release();
      assert.ok((await late).token > written.token);
    });

    it('after the death of a writer every holder sees `recovered`, until a writer has been inside', async (company) => {
      const [one, two] = await company.watchful(2);
      const [dead] = await company.join(1, { lease: LEASE });
      await dead.rwlock('it').write.acquire();
      abandon(dead);
      const reads = await Promise.all([one, two].map((member) => member.rwlock('it').read.acquire()));
      assert.deepEqual(
        reads.map(({ recovered }) => recovered),
        [true, true],
      );
      await Promise.all(reads.map((hold) => hold.release()));
      const write = await one.rwlock('it').write.acquire();
      assert.equal(write.recovered, true);
      await write.release();
      assert.equal((await two.rwlock('it').read.acquire()).recovered, false);
    });
  });
}
