/** Pools: the context of a call gets to the worker, and stays with its caller. */

import assert from 'node:assert/strict';
import { Event, InvalidTypeError, type PoolOptions, Queue, RawArray, TargetError } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import type { PoolStage } from '../support/pools.ts';
import { poolSuite, rejection } from '../support/pools.ts';

const { request } = targets;
const WITH: PoolOptions<unknown, readonly unknown[]> = {
  context: { capture: () => request.getStore(), restore: targets.restoreRequest },
};

poolSuite('context', (stage: PoolStage) => {
  for (const processes of [1, 0]) {
    const where = processes === 0 ? ', in this thread' : '';

    stage.it(`each kind of call takes its caller's context along${where}`, () =>
      stage.withPool({ ...WITH, processes, concurrency: 3 }, async (pool) => {
        const ask = async (id: string): Promise<unknown[]> =>
          request.run({ id }, async () => {
            const streamed: unknown[] = [];
            for await (const each of pool.stream(targets.requestsYielded)) streamed.push(each);
            for await (const each of pool.stream(targets.requestsLater)) streamed.push(each);
            for await (const each of pool.imap(targets.requestOf, [1, 2])) streamed.push(each);
            return [
              await pool.apply(targets.requestOf, [1]),
              ...(await pool.apply(targets.requestLater)),
              await pool.submit(targets.requestOf, [1], { key: 3, priority: 2 }),
              await pool.proxy({ requestOf: targets.requestOf }).requestOf(1),
              ...(await pool.map(targets.requestOf, Array(20).fill(0))),
              ...(await pool.starmap(targets.requestOf, [[1], [2]])),
              ...(await pool.broadcast(targets.requestOf, [1])),
              ...streamed,
            ];
          });
        const ids = ['a', 'b', 'c'];
        const found = await Promise.all(ids.map(ask));
        assert.deepEqual(
          found.map((each) => [...new Set(each)]),
          ids.map((id) => [id]),
        );
        assert.equal(
          request.run({ id: 'sync' }, () => pool.applySync(targets.requestOf, [1])),
          'sync',
        );
        assert.deepEqual(
          request.run({ id: 'sync' }, () => pool.mapSync(targets.requestOf, [1, 2])),
          ['sync', 'sync'],
        );
        const error = await rejection(request.run({ id: 'd' }, () => pool.apply(targets.failsInRequest)));
        assert.equal(error.message, 'in request d');
      }),
    );
  }

  stage.it('a task that runs again has its context, and an object of the program does not reach it', () =>
    stage.withPool({ ...WITH, processes: 1 }, async (pool) => {
      using ends = new RawArray('i32', 1);
      const context = { id: 'before' };
      const call = request.run(context, () => pool.apply(targets.requestAfterDeath, [ends], { retries: 1 }));
      context.id = 'after';
      assert.equal(await call, 'before');
    }),
  );

  stage.it('a shared object in a context is there', () => {
    const words = new RawArray('i32', 1);
    const context = { capture: () => words, restore: targets.countRestores };
    return stage.withPool({ context, processes: 1 }, async (pool) => {
      await Promise.all([pool.apply(targets.square, [2]), pool.map(targets.square, [1, 2, 3])]);
      assert.equal(words.at(0), 4);
      words.close();
    });
  });

  stage.it('an object of one call that waits does not get into another, which waits, too', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using began = new Queue<number>();
      using go = new Event();
      const held = [1, 2, 3].map(() => pool.apply(targets.runUntil, [began, go]));
      await began.get();
      const first = pool.apply(targets.double, [{ value: 4 }]);
      const words = new RawArray('i32', 1);
      const second = rejection(pool.apply(targets.countRestores, [words, 5 as never]));
      words.close();
      go.set();
      assert.equal(await first, 8);
      await second;
      await Promise.all(held);
    }),
  );

  stage.it('an error of capture or restore rejects that call alone', () => {
    let capture: () => unknown = () => ({ id: 'good' });
    const context = { capture: () => capture(), restore: targets.restoreSome };
    return stage.withPool({ context, processes: 1 }, async (pool) => {
      const messages: string[] = [];
      const attempt = async (make: () => PromiseLike<unknown>): Promise<void> => {
        messages.push((await rejection(make())).message.replace(/^(Thread)?Pool: |; send .*/g, ''));
      };
      capture = () => {
        throw new Error('no context');
      };
      await attempt(() => pool.apply(targets.square, [2]));
      await attempt(() => pool.submit(targets.square, [2]));
      await attempt(() => pool.map(targets.square, [2]));
      assert.throws(() => pool.imap(targets.square, [2]), /no context/);
      capture = () => ({ id: () => {} });
      await attempt(() => pool.apply(targets.square, [2]));
      for (const id of ['bad', 'silent', 'idle']) {
        capture = () => ({ id });
        await attempt(() => pool.apply(targets.square, [2]));
        await attempt(() => pool.map(targets.square, [2, 3]));
      }
      capture = () => ({ id: 'good' });
      assert.equal(await pool.apply(targets.square, [2]), 4);
      const write = 'write it as (value, run) => storage.run(value, run)';
      const silent = `context: "restoreSome" has not returned what its second argument returned; ${write}`;
      const idle = `context: "restoreSome" has not called its second argument; ${write}`;
      assert.deepEqual(messages, [
        ...Array(3).fill('no context'),
        "square: its context: value.id can't be sent to another process, it is a function (id)",
        ...['bad context', 'bad context', silent, silent, idle, idle],
      ]);
      assert.equal(pool.stats.queued + pool.stats.handedOut, 0);
    });
  });

  stage.it('what can be no context is refused', async () => {
    const refused = (context: unknown): void => {
      stage.make({ context } as PoolOptions<unknown, readonly unknown[]>);
    };
    assert.throws(() => refused(5), InvalidTypeError);
    assert.throws(() => refused({ capture: 5, restore: targets.restoreRequest }), /its capture is 5; pass a/);
    assert.throws(() => refused({ capture: () => 1 }), /its restore is undefined; pass a function/);
    assert.throws(() => refused({ capture: () => 1, restore: () => 2 }), TargetError);
    assert.throws(() => refused({ ...WITH.context, around: 1 }), /unknown option `around`/);
  });
});
