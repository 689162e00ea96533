/** The contract of map and its kin, over Pool and ThreadPool. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { asCompleted, Event, type Progress, Queue, RawArray, range, TaskTimeoutError } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { poolSuite, rejection } from '../support/pools.ts';
import { until } from '../support/until.ts';

const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n);

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
        () => pool.mapSync(targets.failAt3, source.items, { stopOnError: true, chunkSize: 1 }),
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
      using go = new Event();
      const results = pool.imap(targets.waitTuple, [[began, go, 5] as const]);
      await assert.rejects(results.next({ timeout: 10 }), { code: 'ERR_LOCKSTEP_TIMED_OUT' });
      go.set();
      assert.equal((await results.next()).value, 5);
      assert.equal((await results.next()).done, true);
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
    }),
  );

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

function* endsAt(end: number): Generator<number> {
  for (let n = 0; n < end; n++) yield n;
}

function* breaksAt(at: number): Generator<number> {
  for (let n = 0; n < at; n++) yield n;
  throw new Error(`source at ${at}`);
}

async function* comesUntil(end: number): AsyncGenerator<number> {
  for (let n = 0; n < end; n++) {
    if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    yield n;
  }
}

/** Gives 1 and 2, and then no answer, not even to its end. */
function answersNever(): AsyncIterable<number> {
  return {
    [Symbol.asyncIterator]: () => {
      let n = 0;
      return {
        next: () => (n++ < 2 ? Promise.resolve({ done: false, value: n }) : new Promise(() => {})),
        return: () => new Promise(() => {}),
      };
    },
  };
}

function* failsAtItsEnd(): Generator<number> {
  try {
    for (let n = 0; ; n++) yield n;
  } finally {
    // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
    throw new Error('its end failed');
  }
}

async function* failsAtItsEndLater(): AsyncGenerator<number> {
  try {
    for (let n = 0; ; n++) yield n;
  } finally {
    await new Promise((resolve) => setImmediate(resolve));
    // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
    throw new Error('its end failed');
  }
}

interface Endless {
  readonly items: Iterable<number> | AsyncIterable<number>;
  pulled: number;
  closed: boolean;
}

function endless(): Endless {
  const source: Endless = { items: count(), pulled: 0, closed: false };
  function* count(): Generator<number> {
    try {
      for (;;) yield source.pulled++;
    } finally {
      source.closed = true;
    }
  }
  return source;
}

function endlessLater(): Endless {
  const source: Endless = { items: count(), pulled: 0, closed: false };
  async function* count(): AsyncGenerator<number> {
    try {
      for (;;) yield source.pulled++;
    } finally {
      source.closed = true;
    }
  }
  return source;
}
