/** Semaphores, Condition, Event, Latch, Barrier and Value over a store, case by case. */

import assert from 'node:assert/strict';
import type { World } from './world.ts';
import { abandon, atRest, cases, doomedCall, stillWaits, untilWaiting } from './world.ts';

const LEASE = 600;

export function otherCases(world: World): void {
  cases('Semaphore', world, ({ it }) => {
    it('permits are taken and given, by any process', async (company) => {
      const [one, other] = await company.join(2);
      const [mine, theirs] = [one.semaphore('it', 1), other.semaphore('it', 1)];
      await mine.acquire();
      assert.equal(await theirs.value, 0);
      const got = mine.acquire();
      await untilWaiting(theirs, 1);
      await theirs.release();
      assert.equal((await got).recovered, false);
      await theirs.release(3);
      assert.equal(await mine.value, 3);
      assert.equal(await mine.acquire({ timeout: 0 }).then((hold) => hold?.valid), true);
      await assert.rejects(mine.release(0), { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' });
    });

    it('a permit stays taken when the connection that took it closes', async (company) => {
      const [one, other] = await company.join(2);
      await one.semaphore('it', 2).acquire();
      await one.close();
      assert.equal(await other.semaphore('it', 2).value, 1);
    });

    it('a waiter that dies takes no permit with it', async (company) => {
      const [one, next] = await company.watchful(2);
      const [doomed] = await company.join(1, { lease: LEASE });
      doomedCall(doomed.semaphore('it', 0).acquire());
      await untilWaiting(one.semaphore('it', 0), 1);
      const got = next.semaphore('it', 0).acquire();
      await untilWaiting(one.semaphore('it', 0), 2);
      await atRest(doomed);
      abandon(doomed);
      await one.semaphore('it', 0).release();
      await got;
      assert.equal(await one.semaphore('it', 0).value, 0);
    });
  });

  cases('BoundedSemaphore', world, ({ it }) => {
    it('no more than so many are inside, and a release too many is refused', async (company) => {
      const members = await company.join(4);
      let inside = 0;
      let most = 0;
      await Promise.all(
        members.flatMap((member) =>
          [1, 2, 3].map(() =>
            member.boundedSemaphore('it', 2).run(async () => {
              most = Math.max(most, ++inside);
              await member.value('a turn').get();
              inside--;
            }),
          ),
        ),
      );
      assert.ok(most <= 2, `${most} were inside`);
      const semaphore = members[0].boundedSemaphore('it', 2);
      const both = [await semaphore.acquire(), await members[1].boundedSemaphore('it', 2).acquire()];
      assert.equal(await members[2].boundedSemaphore('it', 2).tryAcquire(), null);
      await Promise.all(both.map((hold) => hold.release()));
      assert.equal(await semaphore.value, 2);
      await assert.rejects(semaphore.release(), { code: 'ERR_LOCKSTEP_OVER_RELEASE' });
    });

    it('the permits of a dead holder come back', async (company) => {
      const [one] = await company.watchful(1);
      const [dead] = await company.join(1, { lease: LEASE });
      await dead.boundedSemaphore('it', 2).acquire();
      await dead.boundedSemaphore('it', 2).acquire();
      abandon(dead);
      await one.boundedSemaphore('it', 2).acquire();
      await one.boundedSemaphore('it', 2).acquire();
      assert.equal(await one.boundedSemaphore('it', 2).value, 0);
    });

    it('another number of permits is refused', async (company) => {
      const [one, other] = await company.join(2);
      await one.boundedSemaphore('it', 2).acquire();
      await assert.rejects(other.boundedSemaphore('it', 3).acquire(), { code: 'ERR_LOCKSTEP_NAME_TAKEN' });
    });
  });

  cases('Condition', world, ({ it }) => {
    it('notify wakes as many as it says, of those that wait', async (company) => {
      const [one, two, three] = await company.join(3);
      let woken = 0;
      const wait = (member: typeof one): Promise<void> => {
        const condition = member.condition('it');
        return condition.run(async () => {
          assert.equal(await condition.wait(), true);
          woken++;
        });
      };
      const all = [wait(one), wait(two)];
      await untilWaiting(three.condition('it'), 2);
      await three.condition('it').run(() => three.condition('it').notify());
      await Promise.race(all);
      assert.equal(woken, 1);
      await three.condition('it').run(() => three.condition('it').notifyAll());
      await Promise.all(all);
      await three.condition('it').run(() => three.condition('it').notifyAll());
    });

    it('a wait that times out comes back false, with the lock held under a new token', async (company) => {
      const [one, other] = await company.join(2);
      const condition = one.condition('it');
      const hold = await condition.acquire();
      const before = hold.token;
      assert.equal(await condition.wait({ timeout: 20 }), false);
      assert.ok(hold.token > before);
      assert.equal(await other.condition('it').acquire({ timeout: 0 }), null);
      await hold.release();
    });

    it('waiting and notifying without the lock are refused', async (company) => {
      const [one] = await company.join(1);
      await assert.rejects(one.condition('it').wait(), { code: 'ERR_LOCKSTEP_NOT_OWNER' });
      await assert.rejects(one.condition('it').notify(), {
        code: 'ERR_LOCKSTEP_NOT_OWNER',
        message: /^Condition "it": can't notify, this connection/,
      });
    });

    it('an RLock is given up whole, and held as deep as before', async (company) => {
      const [one, other] = await company.join(2);
      const lock = one.rlock('lock');
      const condition = one.condition('it', lock);
      await lock.acquire();
      await lock.acquire();
      const waits = condition.wait();
      const theirs = other.condition('it', other.rlock('lock'));
      await theirs.run(() => theirs.notify());
      assert.equal(await waits, true);
      assert.equal(lock.depth, 2);
      await lock.release();
      await lock.release();
    });

    it('a bounded buffer over two conditions of one lock passes everything on, once', async (company) => {
      const [producer, consumer] = await company.join(2);
      const items: number[] = [];
      const got: number[] = [];
      const sides = (member: typeof producer) => {
        const lock = member.lock('lock');
        return { lock, full: member.condition('full', lock), empty: member.condition('empty', lock) };
      };
      const produce = async (): Promise<void> => {
        const { lock, full, empty } = sides(producer);
        for (let i = 0; i < 20; i++) {
          await lock.run(async () => {
            await full.waitFor(() => items.length < 2);
            items.push(i);
            await empty.notify();
          });
        }
      };
      const consume = async (): Promise<void> => {
        const { lock, full, empty } = sides(consumer);
        while (got.length < 20) {
          await lock.run(async () => {
            await empty.waitFor(() => items.length > 0);
            got.push(items.shift()!);
            await full.notify();
          });
        }
      };
      await Promise.all([produce(), consume()]);
      assert.deepEqual(
        got,
        Array.from({ length: 20 }, (_, i) => i),
      );
    });

    it('a wait that is aborted rejects with the reason, and the lock is held', async (company) => {
      const [one, other] = await company.join(2);
      const condition = one.condition('it');
      const controller = new AbortController();
      const hold = await condition.acquire();
      const waits = condition.wait({ signal: controller.signal });
      await untilWaiting(other.condition('it'), 1);
      const reason = new Error('no more');
      controller.abort(reason);
      await assert.rejects(waits, reason);
      assert.equal(await other.condition('it').acquire({ timeout: 0 }), null);
      await hold.release();
    });
  });

  cases('Event', world, ({ it }) => {
    it('set frees everyone who waits, also if clear follows at once', async (company) => {
      const [one, two, three] = await company.join(3);
      const waits = [one, two].map((member) => member.event('it').wait());
      await untilWaiting(three.event('it'), 2);
      const event = three.event('it');
      await Promise.all([event.set(), event.clear()]);
      assert.deepEqual(await Promise.all(waits), [true, true]);
      assert.equal(await one.event('it').isSet(), false);
    });

    it('a wait ends at once where it is set, false when the time has passed', async (company) => {
      const [one, other] = await company.join(2);
      assert.equal(await one.event('it').wait({ timeout: 15 }), false);
      assert.equal(await one.event('it').wait({ timeout: 0 }), false);
      await other.event('it').set();
      assert.equal(await one.event('it').isSet(), true);
      assert.equal(await one.event('it').wait({ timeout: 0 }), true);
      await other.event('it').clear();
      assert.deepEqual(await one.event('it').describe(), {
        kind: 'Event',
        name: 'it',
        set: false,
        waiting: 0,
      });
    });
  });

  cases('Latch', world, ({ it }) => {
    it('it opens when it has been counted down, for good', async (company) => {
      const [one, other] = await company.join(2);
      const latch = one.latch('it', 3);
      const waits = other.latch('it', 3).wait();
      await untilWaiting(latch, 1);
      assert.equal(await latch.countDown(2), 1);
      await stillWaits(waits, one);
      assert.equal(await other.latch('it', 3).countDown(5), 0);
      assert.equal(await waits, true);
      assert.equal(await one.latch('it', 3).wait({ timeout: 0 }), true);
      assert.equal(await latch.count, 0);
    });
  });

  cases('Barrier', world, ({ it }) => {
    it('each gets a place, once a round, and it is reusable at once', async (company) => {
      const members = await company.join(3);
      const barriers = members.map((member) => member.barrier('it', 3));
      for (let round = 0; round < 3; round++) {
        const places = await Promise.all(barriers.map((barrier) => barrier.wait()));
        assert.deepEqual(places.sort(), [0, 1, 2]);
      }
    });

    it('exactly one runs the action, before any is let go', async (company) => {
      const members = await company.join(3);
      let ran = 0;
      const action = async (): Promise<void> => {
        await members[0].value('a turn').get();
        ran++;
      };
      const rounds = members.map(async (member) => {
        const barrier = member.barrier('it', 3, { action });
        for (let round = 1; round <= 3; round++) {
          await barrier.wait();
          assert.equal(ran, round);
          await member.barrier('apart', 3).wait();
        }
      });
      await Promise.all(rounds);
    });

    it('a timeout, an abort and an action that throws break it, until reset', async (company) => {
      const [one, two] = await company.join(2);
      const [mine, theirs] = [one.barrier('it', 2), two.barrier('it', 2)];
      await assert.rejects(mine.wait({ timeout: 10 }), { code: 'ERR_LOCKSTEP_BROKEN_BARRIER' });
      await assert.rejects(theirs.wait(), { code: 'ERR_LOCKSTEP_BROKEN_BARRIER' });
      assert.equal(await mine.broken, true);
      await mine.reset();
      const waits = assert.rejects(mine.wait(), { code: 'ERR_LOCKSTEP_BROKEN_BARRIER' });
      while ((await theirs.nWaiting) < 1);
      await theirs.abort();
      await waits;
      await theirs.reset();
      const failing = two.barrier('it', 2, {
        action: () => {
          throw new RangeError('the action');
        },
      });
      const other = assert.rejects(mine.wait(), {
        code: 'ERR_LOCKSTEP_BROKEN_BARRIER',
        cause: new Error('the action'),
      });
      while ((await theirs.nWaiting) < 1);
      await assert.rejects(failing.wait(), { name: 'RangeError' });
      await other;
    });

    it('a party that dies while it waits breaks it', async (company) => {
      const [one] = await company.watchful(1);
      const [doomed] = await company.join(1, { lease: LEASE });
      doomedCall(doomed.barrier('it', 3).wait());
      while ((await one.barrier('it', 3).nWaiting) < 1);
      await atRest(doomed);
      abandon(doomed);
      await assert.rejects(one.barrier('it', 3).wait(), {
        code: 'ERR_LOCKSTEP_BROKEN_BARRIER',
        message: /died/,
      });
    });
  });

  cases('Value', world, ({ it }) => {
    it('each operation is one step, and resolves to the value before', async (company) => {
      const members = await company.join(3);
      await Promise.all(
        members.flatMap((member) => Array.from({ length: 30 }, () => member.value('it').add(1))),
      );
      const value = members[0].value('it');
      assert.equal(await value.get(), 90);
      assert.equal(await value.exchange(5), 90);
      assert.equal(await value.compareExchange(4, 9), 5);
      assert.equal(await value.compareExchange(5, 9), 5);
      assert.equal(await value.sub(2), 9);
      assert.equal(await value.value, 7);
      await value.set(Number.MAX_SAFE_INTEGER);
      await assert.rejects(value.add(1), { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' });
      await value.set(Number.MAX_VALUE);
      await assert.rejects(value.add(Number.MAX_VALUE), { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' });
      assert.equal(await value.value, Number.MAX_VALUE);
    });

    it('a write with the token of an earlier holder is refused', async (company) => {
      const [one, other] = await company.join(2);
      const old = await one.lock('lock').acquire();
      await old.release();
      const hold = await other.lock('lock').acquire();
      await other.value('it').set(2, { hold });
      await assert.rejects(one.value('it').set(1, { hold: old }), { code: 'ERR_LOCKSTEP_STALE_TOKEN' });
      assert.equal(await one.value('it').get(), 2);
    });
  });
}
