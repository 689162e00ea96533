/** The contract of map and its kin, over Pool and ThreadPool. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { Barrier, Event, type Progress, Queue, RawArray, range, TaskTimeoutError } from 'lockstep';
import { breaksAt, comesUntil, endless, endsAt, upTo } from '../support/pool-sources.ts';
import * as targets from '../support/pool-targets.ts';
import { type AnyPool, poolSuite, rejection } from '../support/pools.ts';
import { until } from '../support/until.ts';

poolSuite('map', (stage) => {
  stage.it('results come in the order of the items, whatever these are iterated by', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      const squares = upTo(3000).map((n) => n * n);
      assert.deepEqual(await pool.map(targets.square, upTo(3000)), squares);
      assert.deepEqual(await pool.map(targets.square, range(3000)), squares);
      assert.deepEqual(await pool.map(targets.square, new Set(upTo(3000))), squares);
      assert.deepEqual(await pool.map(targets.square, Int32Array.from(upTo(3000))), squares);
      assert.deepEqual(await pool.map(targets.square, endsAt(30)), squares.slice(0, 30));
      assert.deepEqual(await pool.map(targets.square, comesUntil(30)), squares.slice(0, 30));
      assert.deepEqual(pool.mapSync(targets.square, upTo(3000)), squares);
      assert.deepEqual(await pool.map(targets.square, []), []);
      assert.deepEqual(await pool.map(targets.square, range(5, 8)), [25, 36, 49]);
      assert.deepEqual(await pool.map(targets.later, upTo(20)), upTo(20));
      const sums = await pool.starmap(targets.add, [
        [1, 2],
        [3, 4],
      ] as const);
      assert.deepEqual(sums, [3, 7]);
    }),
  );

  stage.it('results that fill the ring before their chunk ends reach the pool', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      // The quick items make long chunks, whose bell rings at their end; a full ring rings it, too.
      const texts = await pool.map(targets.slowsDown, range(20_300));
      assert.equal(texts.length, 20_300);
      assert.ok(texts.every((text, n) => text.length === (n < 20_000 ? 0 : 64 * 1024)));
    }),
  );

  stage.it('chunks that come before the first have their place, whether the number of items is known', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      using gate = new Event();
      const items: targets.GatedItem[] = upTo(6000);
      items[0] = { gate, opens: false, n: 0 };
      items[5999] = { gate, opens: true, n: 5999 };
      assert.deepEqual(await pool.map(targets.passGate, items, { chunkSize: 2000 }), upTo(6000));
      gate.clear();
      assert.deepEqual(await pool.map(targets.passGate, items.values(), { chunkSize: 2000 }), upTo(6000));
      gate.clear();
      const outcomes = await pool.map(targets.passGate, items.values(), { chunkSize: 2000, settled: true });
      assert.deepEqual(
        outcomes,
        upTo(6000).map((value) => ({ status: 'fulfilled', value })),
      );
    }),
  );

  stage.it('a list that is shortened meanwhile has as many results as items were taken', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      const list = upTo(3000);
      const going = pool.map(targets.square, list);
      list.length = 100;
      assert.deepEqual(
        await going,
        upTo(100).map((n) => n * n),
      );
    }),
  );

  stage.it('each runs every item once, and sends nothing back', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      using counts = new RawArray('i32', 500);
      assert.equal(
        await pool
          .starmap(
            targets.countRun,
            upTo(500).map((n) => [counts, n] as const),
          )
          .then((all) => all.length),
        500,
      );
      assert.ok(Array.from(counts).every((count) => count === 1));
      assert.equal(await pool.each(targets.square, upTo(1000)), undefined);
    }),
  );

  stage.it('Q195: all items run, and then the first error comes', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      using log = new Queue<number>();
      const all = upTo(200).map((n) => [log, n] as const);
      const failing = [...all.slice(0, 50), [null as never, 50] as const, ...all.slice(51)];
      assert.ok((await rejection(pool.starmap(targets.noteRun, failing))) instanceof TypeError);
      assert.equal(log.size, 199);
      assert.equal((await rejection(pool.map(targets.failAt3, range(10)))).message, 'failed with 3');
    }),
  );

  stage.it('settled gives every outcome; stopOnError begins nothing after an error', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const all = await pool.map(targets.failAt3, range(6), { settled: true });
      assert.deepEqual(
        all.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
      );
      using log = new Queue<number>();
      const items = [[null as never, 0] as const, ...upTo(5000).map((n) => [log, n] as const)];
      const options = { stopOnError: true, chunkSize: 1 };
      assert.ok((await rejection(pool.starmap(targets.noteRun, items, options))) instanceof TypeError);
      assert.ok(log.size < 100, `${log.size} items ran`);
      // The blocking form takes no more from its source either.
      const source = endless();
      assert.throws(
        () =>
          pool.mapSync(targets.failAt3, source.items as Iterable<number>, {
            stopOnError: true,
            chunkSize: 1,
          }),
        /failed with 3/,
      );
      assert.equal(source.closed, true);
      assert.ok(source.pulled < 100, `${source.pulled} items were taken`);
    }),
  );

  stage.it('Q217 HAZARD: a chunk size of 0 or less is refused; one of 3 is kept', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      for (const chunkSize of [0, -1, 1.5]) {
        const error = await rejection(pool.map(targets.square, [1], { chunkSize }));
        assert.equal(error.code, 'ERR_LOCKSTEP_OUT_OF_RANGE');
        assert.throws(() => pool.imap(targets.square, [1], { chunkSize }), {
          code: 'ERR_LOCKSTEP_OUT_OF_RANGE',
        });
      }
      assert.deepEqual(
        await pool.map(targets.square, upTo(10), { chunkSize: 3 }),
        upTo(10).map((n) => n * n),
      );
    }),
  );

  stage.it('options that contradict each other are refused, and a step of a range', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const error = await rejection(pool.map(targets.square, [1], { settled: true, stopOnError: true }));
      assert.match(error.message, /pass one of them/);
      assert.throws(() => Reflect.apply(range, undefined, [5, 0, -2]), /a range has no step/);
    }),
  );

  stage.it('X43: a source that throws makes the map reject with that', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      for (const at of [0, 1, 30]) {
        assert.equal((await rejection(pool.map(targets.square, breaksAt(at)))).message, `source at ${at}`);
      }
    }),
  );

  stage.it('an item that cannot be sent, and a result that cannot, fail alone', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const items = [1, 2, () => 1, 3];
      const sent = await pool.map(targets.same, items, { settled: true, chunkSize: 4 });
      assert.deepEqual(
        sent.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
      );
      assert.match((sent[2] as PromiseRejectedResult).reason.message, /: same: items\[2\] can't be sent/);
      const back = await pool.map(targets.functionFor2, upTo(5), { settled: true, chunkSize: 5 });
      assert.deepEqual(
        back.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
      );
    }),
  );

  stage.it('a chunk that takes long is shared with a worker that has nothing to do', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      // One worker holds the chunk with all items, and waits in its first for what runs in the
      // rest.
      using began = new Queue<number>();
      using go = new Event();
      await pool.ready;
      const items = upTo(40).map((n) => [began, go, n] as const);
      await pool.map(targets.square, range(200_000));
      const all = pool.starmap(targets.waitIfFirst, items);
      await until(() => began.size === 39, 'all others to be done');
      go.set();
      assert.deepEqual(await all, upTo(40));
    }),
  );

  stage.it('a pool without workers starts them for items, and more while all are busy', async () => {
    const kinds: ((pool: AnyPool) => unknown)[] = [
      (pool) => pool.map(targets.square, [3]),
      (pool) => pool.mapSync(targets.square, [3]),
      (pool) => pool.each(targets.square, [3]),
      (pool) => pool.imap(targets.square, [3]).next(),
    ];
    for (const begin of kinds)
      await stage.withPool({ processes: { min: 0, max: 1 } }, async (pool) => void (await begin(pool)));
    await stage.withPool({ processes: { min: 0, max: 3 } }, async (pool) => {
      // None of the items ends before all have begun.
      using barrier = new Barrier(3);
      assert.deepEqual(await pool.map(targets.meet, [barrier, barrier, barrier]), [true, true, true]);
      assert.equal(pool.size, 3);
    });
  });

  stage.it('progress is reported during the map, and at the end', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const seen: Progress[] = [];
      await pool.map(targets.later, upTo(30), { onProgress: (progress) => void seen.push(progress) });
      const last = seen.at(-1)!;
      assert.equal(last.done, 30);
      assert.equal(last.total, 30);
      assert.equal(last.remaining, 0);
    }),
  );

  stage.it('a signal, and a timeout, give the map up', () =>
    stage.withPool({ processes: 1, grace: 20 }, async (pool) => {
      const controller = new AbortController();
      const call = rejection(pool.map(targets.later, Array(1000).fill(5), { signal: controller.signal }));
      controller.abort(new Error('enough'));
      assert.equal((await call).message, 'enough');
      const late = await rejection(pool.map(targets.later, Array(1000).fill(50), { timeout: 30 }));
      assert.ok(late instanceof TaskTimeoutError);
      assert.deepEqual(await pool.map(targets.square, [3]), [9]);
    }),
  );

  if (stage.isProcess) {
    stage.it('a worker killed in a chunk loses what it ran; with retries nothing', () =>
      stage.withPool({ processes: 2 }, async (pool) => {
        using counts = new RawArray('i32', 40);
        const items = upTo(40).map((n) => [counts, n] as const);
        const some = await pool.starmap(targets.killAt7, items, { settled: true });
        const lost = some.filter(({ status }) => status === 'rejected');
        assert.ok(lost.length >= 1, 'the item that killed is lost');
        counts.fill(0);
        assert.deepEqual(await pool.starmap(targets.killAt7, items, { retries: 3 }), upTo(40));
        await pool.close();
      }),
    );
  }
});
