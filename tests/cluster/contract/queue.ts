/** Queue and JoinableQueue over a store, and an RLock's calls at a time, case by case. */

import assert from 'node:assert/strict';
import type { Cluster } from 'lockstep/memory';
import { until } from '../../support/until.ts';
import type { World } from './world.ts';
import { abandon, atRest, cases, doomedCall, stillWaits, untilWaiting } from './world.ts';

const LEASE = 600;

export function queueCases(world: World): void {
  cases('Queue', world, ({ it }) => {
    it('items leave in the order in which they were put, each to one', async (company) => {
      const [one, two, three] = await company.join(3);
      const queue = one.queue<number>('it');
      for (let i = 0; i < 20; i++) await queue.put(i);
      assert.equal(await two.queue('it').size, 20);
      const seen: number[] = [];
      const consume = async (member: Cluster): Promise<void> => {
        const mine = member.queue<number>('it');
        for (let item = await mine.tryGet(); item !== null; item = await mine.tryGet()) seen.push(item);
      };
      assert.equal(await queue.get(), 0);
      await Promise.all([consume(two), consume(three)]);
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        Array.from({ length: 19 }, (_, i) => i + 1),
      );
      assert.deepEqual(await queue.describe(), {
        kind: 'Queue',
        name: 'it',
        size: 0,
        received: 0,
        waiting: 0,
      });
    });

    it('it carries what structured clone does, and refuses the rest', async (company) => {
      const [one, other] = await company.join(2);
      const circle: { self?: unknown } = {};
      circle.self = circle;
      const values = [
        { id: 1, list: ['a', null, true, 1.5] },
        new Map([[new Date(0), new Set([1n, -0, Number.NaN])]]),
        new Uint8Array([1, 2, 3]),
        [undefined, { gap: undefined }],
        JSON.parse('{"__proto__": 1}'),
        circle,
        null,
        'ä"\n\u0000',
      ];
      for (const value of values) {
        await one.queue('it').put(value);
        assert.deepEqual(await other.queue('it').get(), value);
      }
      await assert.rejects(
        one.queue('it').put(() => 1),
        { code: 'ERR_LOCKSTEP_NOT_SENDABLE' },
      );
      await assert.rejects(one.queue('it').put('x'.repeat(300_000)), { code: 'ERR_LOCKSTEP_NO_SPACE' });
      await assert.rejects(one.queue('it').receive({ visibility: 0 }), {
        code: 'ERR_LOCKSTEP_OUT_OF_RANGE',
      });
      assert.throws(() => one.queue('it', { maxSize: -1 }), { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' });
      await one.joinableQueue('joinable').put(1);
      await assert.rejects(one.queue('joinable').get(), { code: 'ERR_LOCKSTEP_NAME_TAKEN' });
      assert.equal(await one.queue('it').size, 0);
    });

    it('get waits for an item, put for room, each until its timeout', async (company) => {
      const [one, other] = await company.join(2);
      const [mine, theirs] = [one.queue('it', { maxSize: 1 }), other.queue('it')];
      assert.equal(await theirs.tryGet(), null);
      await assert.rejects(theirs.get({ timeout: 20 }), {
        code: 'ERR_LOCKSTEP_QUEUE_EMPTY',
        message: /20 ms/,
      });
      const got = theirs.get();
      await untilWaiting(mine, 1);
      await mine.put('a');
      assert.equal(await got, 'a');
      assert.equal(await mine.tryPut('b'), true);
      assert.equal(await mine.tryPut('c'), false);
      await assert.rejects(mine.put('c', { timeout: 20 }), { code: 'ERR_LOCKSTEP_QUEUE_FULL' });
      const put = mine.put('d');
      await untilWaiting(theirs, 1);
      await stillWaits(put, other);
      assert.equal(await theirs.get(), 'b');
      await put;
      assert.equal(await theirs.get(), 'd');
      assert.equal((await mine.describe()).waiting, 0);
    });

    it('an aborted call has done nothing', async (company) => {
      const [one, other] = await company.join(2);
      const [mine, theirs] = [one.queue('it', { maxSize: 1 }), other.queue('it')];
      const controller = new AbortController();
      const got = theirs.get({ signal: controller.signal });
      await untilWaiting(mine, 1);
      controller.abort(new Error('enough'));
      await assert.rejects(got, /enough/);
      await mine.put(1);
      const second = new AbortController();
      const put = mine.put(2, { signal: second.signal });
      await untilWaiting(theirs, 1);
      second.abort(new Error('enough'));
      await assert.rejects(put, /enough/);
      assert.deepEqual([await theirs.get(), await theirs.tryGet()], [1, null]);
    });

    it('four producers and four consumers at a time lose and repeat nothing', async (company) => {
      const members = await company.join(4);
      const put = async (member: Cluster, from: number): Promise<void> => {
        for (let i = 0; i < 15; i++) await member.queue('it', { maxSize: 5 }).put(from * 15 + i);
      };
      const seen: number[] = [];
      const take = async (member: Cluster): Promise<void> => {
        for await (const item of member.queue<number>('it')) {
          if (item < 0) return;
          seen.push(item);
        }
      };
      const consumers = Promise.all(members.map(take));
      await Promise.all(members.map(put));
      for (const _ of members) await members[0].queue('it').put(-1);
      await consumers;
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        Array.from({ length: 60 }, (_, i) => i),
      );
    });

    it('a received item stays until ack, and goes back to its place by nack', async (company) => {
      const [one, other] = await company.join(2);
      const [mine, theirs] = [one.queue('it'), other.queue('it')];
      await mine.put('a');
      await mine.put('b');
      const first = await mine.receive();
      assert.deepEqual([first.value, first.attempts], ['a', 1]);
      assert.deepEqual([await mine.size, (await theirs.describe()).received], [1, 1]);
      await first.nack();
      const second = await theirs.receive();
      assert.deepEqual([second.value, second.attempts], ['a', 2]);
      await second.ack();
      await second.ack();
      await assert.rejects(first.ack(), { code: 'ERR_LOCKSTEP_LEASE_LOST' });
      {
        await using third = await theirs.receive();
        assert.equal(third.value, 'b');
      }
      assert.equal(await mine.get(), 'b');
      await assert.rejects(mine.receive({ timeout: 0 }), { code: 'ERR_LOCKSTEP_QUEUE_EMPTY' });
    });

    it('an item that is not acknowledged in time goes to one that waits', async (company) => {
      const [one, other] = await company.join(2);
      await one.queue('it').put('a');
      const late = await one.queue('it').receive({ visibility: 50 });
      const again = await other.queue('it').receive();
      assert.deepEqual([again.value, again.attempts], ['a', 2]);
      await assert.rejects(late.ack(), { code: 'ERR_LOCKSTEP_LEASE_LOST' });
      await again.ack();
    });

    it('what a dead consumer has received comes back, and its waiting call takes nothing', async (company) => {
      const [one] = await company.watchful(1);
      const [doomed] = await company.join(1, { lease: LEASE });
      await one.queue('it').put('a');
      await doomed.queue('it').receive();
      doomedCall(doomed.queue('it').get());
      await untilWaiting(one.queue('it'), 1);
      await atRest(doomed);
      abandon(doomed);
      assert.equal(await one.queue('it').get(), 'a');
      await until(async () => (await one.queue('it').describe()).waiting === 0, 'the dead one to be out');
    });
  });

  cases('JoinableQueue', world, ({ it }) => {
    it('join waits until each item was reported done, by taskDone or by ack', async (company) => {
      const [one, other] = await company.join(2);
      const [mine, theirs] = [one.joinableQueue('it'), other.joinableQueue('it')];
      assert.equal(await mine.join(), true);
      await mine.put(1);
      await mine.put(2);
      assert.equal(await mine.join({ timeout: 0 }), false);
      assert.equal(await mine.join({ timeout: 20 }), false);
      const joined = mine.join();
      await untilWaiting(theirs, 1);
      assert.equal(await theirs.get(), 1);
      await theirs.taskDone();
      const delivery = await theirs.receive();
      await stillWaits(joined, other);
      assert.equal(await theirs.unfinished, 1);
      await delivery.ack();
      assert.equal(await joined, true);
      await assert.rejects(theirs.taskDone(), { code: 'ERR_LOCKSTEP_OVER_RELEASE' });
    });
  });

  cases('RLock, calls at a time', world, ({ it }) => {
    it('a second acquire of the same scope enters when the first has it', async (company) => {
      const [one, other] = await company.join(2);
      const lock = one.rlock('it');
      const before = await other.rlock('it').acquire();
      const calls = [lock.acquire(), lock.acquire(), one.rlock('it').acquire()];
      assert.equal(await lock.acquire({ timeout: 10 }), null);
      await untilWaiting(lock, 1);
      await before.release();
      await Promise.all(calls);
      assert.equal(lock.depth, 3);
      for (let i = 0; i < 3; i++) await lock.release();
      assert.equal(await lock.locked, false);
      assert.deepEqual(await Promise.all([lock.run(() => lock.depth), lock.run(() => lock.depth)]), [1, 1]);
    });
  });
}
