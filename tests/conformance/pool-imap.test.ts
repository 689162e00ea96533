/** The contract of imap and imapUnordered, over Pool and ThreadPool. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { asCompleted, Event, Queue, range } from 'lockstep';
import {
  answersNever,
  breaksAt,
  comesUntil,
  endless,
  endlessLater,
  failsAtItsEnd,
  failsAtItsEndLater,
  upTo,
} from '../support/pool-sources.ts';
import * as targets from '../support/pool-targets.ts';
import { poolSuite, rejection } from '../support/pools.ts';
import { until } from '../support/until.ts';

poolSuite('imap', (stage) => {
  stage.it('results come one by one: in order, or as they come', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      const got: number[] = [];
      for await (const n of pool.imap(targets.square, range(500))) got.push(n);
      assert.deepEqual(
        got,
        upTo(500).map((n) => n * n),
      );
      const slow: number[] = [];
      for await (const n of pool.imap(targets.slowFirst, range(60))) slow.push(n);
      assert.deepEqual(slow, upTo(60), 'in order, however long they take');
      const any: number[] = [];
      for await (const n of pool.imapUnordered(targets.square, comesUntil(100))) any.push(n);
      assert.deepEqual(
        any.sort((a, b) => a - b),
        upTo(100).map((n) => n * n),
      );
      using began = new Queue<number>();
      using go = new Event();
      const items = upTo(3).map((n) => [began, go, n] as const);
      const first = pool.imapUnordered(targets.waitIfFirstTuple, items, { chunkSize: 1 });
      assert.equal((await first.next()).value, 1, 'the fast one is first');
      go.set();
      await first.return();
    }),
  );

  stage.it('S238: a loop ends at the error of an item, and what had not begun never runs', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using log = new Queue<number>();
      const items = upTo(1000).map((n) => [log, n] as const);
      const results = pool.imap(targets.noteUnless3, items, { ahead: 4, chunkSize: 1 });
      const seen: number[] = [];
      const loop = async (): Promise<void> => {
        await using _end = results;
        for await (const n of results) seen.push(n);
      };
      assert.equal((await rejection(loop())).message, 'failed with 3');
      assert.deepEqual(seen, [0, 1, 2]);
      assert.equal(await pool.apply(targets.square, [2]), 4);
      assert.ok(log.size <= 8, `${log.size} items ran`);
    }),
  );

  stage.it('Q198: it goes on behind an item that fails', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      for (const chunkSize of [1, 2]) {
        const results = pool.imap(targets.failAt3, range(6), { chunkSize });
        const seen: unknown[] = [];
        for (let n = 0; n < 6; n++) {
          seen.push(
            await results.next().then(
              ({ value }) => value,
              (error: Error) => error.message,
            ),
          );
        }
        assert.deepEqual(seen, [0, 1, 2, 'failed with 3', 4, 5]);
        assert.equal((await results.next()).done, true);
      }
      const any = pool.imapUnordered(targets.failAt3, range(6));
      const outcomes = await Promise.allSettled(upTo(6).map(() => any.next()));
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 5);
    }),
  );

  stage.it('Q199: a next that times out loses nothing', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using began = new Queue<number>();
      for (const how of ['imap', 'imapUnordered'] as const) {
        using go = new Event();
        const results = pool[how](targets.waitTuple, [[began, go, 5] as const]);
        await assert.rejects(results.next({ timeout: 10 }), { code: 'ERR_LOCKSTEP_TIMED_OUT' });
        go.set();
        assert.equal((await results.next()).value, 5);
        assert.equal((await results.next()).done, true);
      }
    }),
  );

  stage.it('Q200 HAZARD: no more is taken from the source than may be ahead', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      let pulled = 0;
      let read = 0;
      function* count(): Generator<number> {
        for (let n = 0; n < 400; n++) {
          pulled++;
          // One more is on its way to the loop.
          assert.ok(pulled - read <= 11, `${pulled} pulled, ${read} read`);
          yield n;
        }
      }
      for await (const n of pool.imap(targets.square, count(), { ahead: 10 })) {
        read++;
        assert.equal(n, (read - 1) ** 2);
      }
      assert.equal(read, 400);
    }),
  );

  stage.it('a reader that is slower than the workers has no more taken than may be ahead', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      const ahead = 7;
      const count = 30;
      for (const how of ['imap', 'imapUnordered'] as const) {
        let pulled = 0;
        let read = 0;
        function* items(): Generator<number> {
          for (let n = 0; n < count; n++) {
            pulled++;
            yield n;
          }
        }
        const results = pool[how](targets.square, items(), { ahead, chunkSize: 1 });
        for (;;) {
          // As much is taken as may be, and no more while nothing is read.
          const most = Math.min(count, read + ahead);
          await until(() => pulled >= most, 'the items ahead');
          await pool.apply(targets.square, [read]);
          assert.equal(pulled, most);
          if ((await results.next()).done) break;
          read++;
        }
        assert.equal(read, count);
      }
    }),
  );

  stage.it('break ends the source and the work, of an endless one too', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      for (const make of [endless, endlessLater]) {
        const source = make();
        let read = 0;
        for await (const _ of pool.imap(targets.square, source.items, { ahead: 20 }))
          if (++read === 10) break;
        await until(() => source.closed, 'the source to be ended');
        assert.ok(source.pulled <= 10 + 21, `${source.pulled} pulled`);
      }
      assert.equal(await pool.apply(targets.square, [2]), 4);
      await pool.close();
    }),
  );

  stage.it('terminate ends an endless source, too, while a next is pending', async () => {
    for (const make of [endless, endlessLater]) {
      const pool = stage.make({ processes: 1 });
      const source = make();
      const results = pool.imap(targets.sleepFor, source.items, { ahead: 5, chunkSize: 1 });
      const next = rejection(results.next());
      await until(() => source.pulled >= 1, 'an item to be taken');
      await pool.terminate();
      assert.equal((await next).code, 'ERR_LOCKSTEP_CLOSED');
      await until(() => source.closed, 'the source to be ended');
      assert.ok(source.pulled <= 6, `${source.pulled} pulled`);
    }
  });

  stage.it('an error of the source comes behind the results', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const results = pool.imap(targets.square, breaksAt(3));
      const seen: unknown[] = [];
      for (let n = 0; n < 5; n++) {
        seen.push(
          await results.next().then(
            ({ value }) => value,
            (error: Error) => error.message,
          ),
        );
      }
      assert.deepEqual(seen, [0, 1, 4, 'source at 3', undefined]);
    }),
  );

  stage.it(
    'a signal and a timeout end it with their error, for a reader that waits and one that comes later',
    () =>
      stage.withPool({ processes: 2 }, async (pool) => {
        for (const how of ['imap', 'imapUnordered'] as const) {
          for (const waits of [true, false]) {
            const controller = new AbortController();
            const { signal } = controller;
            const reason = new Error('enough');
            const results = pool[how](targets.untilAborted, [1, 2, 3], { signal });
            const next = waits ? rejection(results.next()) : undefined;
            controller.abort(reason);
            assert.equal(await (next ?? rejection(results.next())), reason);
            assert.equal((await results.next()).done, true);
          }
          const late = pool[how](targets.untilAborted, [1, 2, 3], { timeout: 20 });
          assert.equal((await rejection(late.next())).code, 'ERR_LOCKSTEP_TASK_TIMEOUT');
          assert.equal((await late.next()).done, true);
        }
      }),
  );

  stage.it('break waits for the end of the source, and throws its error; an abort warns of it', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      for (const make of [failsAtItsEnd, failsAtItsEndLater]) {
        const leave = async (): Promise<void> => {
          for await (const _ of pool.imap(targets.square, make(), { ahead: 2 })) break;
        };
        assert.equal((await rejection(leave())).message, 'its end failed');
        const warned = new Promise<void>((resolve) => {
          process.on('warning', function heard({ message }) {
            if (message !== 'its end failed') return;
            process.off('warning', heard);
            resolve();
          });
        });
        const controller = new AbortController();
        const results = pool.imap(targets.square, make(), { ahead: 1, signal: controller.signal });
        await results.next();
        controller.abort(new Error('enough'));
        assert.equal((await rejection(results.next())).message, 'enough');
        await warned;
      }
    }),
  );

  stage.it('break waits no longer than the grace for a source that never answers', () =>
    stage.withPool({ processes: 1, grace: 50 }, async (pool) => {
      for await (const n of pool.imap(targets.square, answersNever())) if (n === 4) break;
      await pool.close();
    }),
  );

  stage.it('a pool that ends, ends it', async () => {
    const pool = stage.make({ processes: 1, grace: 50 });
    const never = pool.imap(targets.square, answersNever());
    assert.equal((await never.next()).value, 1);
    assert.equal((await never.next()).value, 4);
    const waits = rejection(never.next());
    const results = pool.imap(targets.square, endless().items, { ahead: 4 });
    assert.equal((await results.next()).value, 0);
    const next = rejection(
      (async () => {
        for await (const _ of results);
      })(),
    );
    await pool.terminate();
    assert.equal((await next).code, 'ERR_LOCKSTEP_CLOSED');
    assert.equal((await waits).code, 'ERR_LOCKSTEP_CLOSED');
  });

  stage.it('what a program does in a source, in onProgress and between results has its context', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const scope = new AsyncLocalStorage<string>();
      const seen = new Set<unknown>();
      const see = (): void => void seen.add(scope.getStore());
      function* source(): Generator<number> {
        try {
          for (let n = 0; n < 50; n++) {
            see();
            yield n;
          }
        } finally {
          see();
        }
      }
      async function* laterSource(): AsyncGenerator<number> {
        for (const n of source()) yield n;
      }
      await scope.run('call', async () => {
        for (const make of [source, laterSource]) {
          await pool.map(targets.square, make(), { onProgress: see });
          for await (const _ of pool.imap(targets.square, make(), { ahead: 3 })) see();
          for await (const _ of pool.imapUnordered(targets.square, make(), { ahead: 3 })) {
            see();
            break;
          }
        }
        await pool.apply(targets.report, [3], { onReport: see });
        see();
        await pool.submit(targets.add, [1, 2]).then(see);
        for await (const _ of asCompleted([pool.submit(targets.add, [1, 2])])) see();
        await assert.rejects(pool.apply(targets.fail, [1]).finally(see));
      });
      assert.deepEqual([...seen], ['call']);
    }),
  );

  stage.it('items of starmap that are no lists fail alone, and say which they are', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const items = [[1, 2], 3, [4, 5], 'ab'] as [number, number][];
      const all = await pool.starmap(targets.add, items, { settled: true });
      assert.deepEqual(
        all.map((each) => (each.status === 'fulfilled' ? each.value : (each.reason as Error).message)),
        [
          3,
          `${stage.kind}: starmap: refused, items[1] is 3; pass arrays of arguments, or use map`,
          9,
          `${stage.kind}: starmap: refused, items[3] is 'ab'; pass arrays of arguments, or use map`,
        ],
      );
    }),
  );
});
