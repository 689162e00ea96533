/** What pools are asked to run: no functions, no lists of arguments, no items, and bad sources. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pool, ThreadPool } from 'lockstep';
import { breaksAt, failsAtItsEnd, upTo } from '../support/pool-sources.ts';
import * as targets from '../support/pool-targets.ts';
import type { AnyPool } from '../support/pools.ts';
import { HANG_MS } from '../support/until.ts';

type Failure = Error & { code?: string };

const POOLS: Record<string, () => AnyPool> = {
  Pool: () => new Pool(1) as unknown as AnyPool,
  ThreadPool: () => new ThreadPool(1) as unknown as AnyPool,
  'processes: 0': () => new Pool(0) as unknown as AnyPool,
};

const outside = 5;
class Local {
  readonly n = 1;
  method(): number {
    return this.n;
  }
  static create(): Local {
    return new Local();
  }
}

/** None of them can be found by another process. */
const NO_TARGETS: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  number: 5,
  text: 'add',
  object: {},
  symbol: Symbol('fn'),
  'bound function': targets.add.bind(undefined),
  arrow: (): number => 1,
  closure: (): number => outside,
  method: new Local().method,
  'static method': Local.create,
  'class that is not exported': Local,
  Proxy: new Proxy(targets.add, {}),
  'export without a module': { export: 'add' },
  'relative path': { module: './pool-targets.js', export: 'add' },
};

async function failure(begin: () => unknown): Promise<Failure> {
  try {
    await begin();
  } catch (error) {
    return error as Failure;
  }
  return assert.fail('it was not refused');
}

function iteratorThat(throws: 'next' | 'return' | 'iterator'): Iterable<number> {
  const fail = (): never => {
    throw new RangeError(`of ${throws}`);
  };
  return {
    [Symbol.iterator]: () => {
      if (throws === 'iterator') fail();
      return {
        next: () => (throws === 'next' ? fail() : { done: false, value: 1 }),
        return: () => (throws === 'return' ? fail() : { done: true, value: undefined }),
      };
    },
  };
}

for (const [kind, make] of Object.entries(POOLS)) {
  describe(`${kind}:`, { timeout: HANG_MS }, () => {
    it('functions that no other process can find, and what is none, are refused', async () => {
      await using pool = make();
      for (const [what, fn] of Object.entries(NO_TARGETS)) {
        // In the pool's own thread a function needs not be found.
        if (kind === 'processes: 0' && typeof fn === 'function') continue;
        const all = [
          () => pool.apply(fn as never, [] as never),
          () => pool.applySync(fn as never, [] as never),
          () => pool.submit(fn as never, [] as never),
          () => pool.map(fn as never, [1]),
          () => pool.mapSync(fn as never, [1]),
          () => pool.imap(fn as never, [1]),
          () => pool.stream(fn as never, [] as never),
          () => pool.broadcast(fn as never, [] as never),
        ];
        for (const begin of what === 'null' || what === 'closure' ? all : all.slice(0, 1)) {
          const { code, message } = await failure(begin);
          assert.match(code ?? '', /^ERR_LOCKSTEP_(TARGET|INVALID_TYPE)$/, `${what}: ${message}`);
          assert.match(message, /^Pool|^ThreadPool/, what);
        }
      }
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    });

    it('a class is called without new, which its task reports', async () => {
      await using pool = make();
      const { name, message } = await failure(() => pool.apply(targets.Point as never, [1, 2] as never));
      assert.deepEqual([name, /without 'new'/.test(message)], ['TypeError', true]);
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    });

    it('arguments that are no list are refused', async () => {
      await using pool = make();
      for (const args of [5, 'ab', null, { 0: 1, length: 1 }, new Set([1]), new Uint8Array(2), true]) {
        for (const begin of [
          () => pool.apply(targets.add, args as never),
          () => pool.applySync(targets.add, args as never),
          () => pool.submit(targets.add, args as never),
          () => pool.stream(targets.countTo, args as never),
          () => pool.broadcast(targets.add, args as never),
        ]) {
          const { code, message } = await failure(begin);
          assert.equal(code, 'ERR_LOCKSTEP_INVALID_TYPE', message);
          assert.match(message, /the arguments are .*pass an array/s);
        }
      }
    });

    it('items that can’t be iterated are refused', async () => {
      await using pool = make();
      for (const items of [5, null, undefined, {}, true, Symbol('items'), () => [1], { next: () => 1 }]) {
        for (const begin of [
          () => pool.map(targets.square, items as never),
          () => pool.mapSync(targets.square, items as never),
          () => pool.starmap(targets.add, items as never),
          () => pool.each(targets.square, items as never),
          () => pool.imap(targets.square, items as never),
          () => pool.imapUnordered(targets.square, items as never),
        ]) {
          const { code, message } = await failure(begin);
          assert.equal(code, 'ERR_LOCKSTEP_INVALID_TYPE', message);
          assert.match(message, /its items are/);
        }
      }
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    });

    it('a source that throws at its first, tenth or last item, or as it is opened, fails its map alone', async () => {
      await using pool = make();
      for (const at of [0, 9, 50]) {
        for (const options of [{}, { chunkSize: 1 }, { chunkSize: 64 }])
          assert.equal(
            (await failure(() => pool.map(targets.square, breaksAt(at), options))).message,
            `source at ${at}`,
          );
        assert.equal(
          (await failure(() => pool.mapSync(targets.square, breaksAt(at)))).message,
          `source at ${at}`,
        );
      }
      for (const throws of ['next', 'iterator'] as const) {
        const message = `of ${throws}`;
        const source = (): Iterable<number> => iteratorThat(throws);
        assert.equal((await failure(() => pool.map(targets.square, source()))).message, message);
        assert.equal((await failure(() => pool.mapSync(targets.square, source()))).message, message);
        assert.equal((await failure(() => pool.imap(targets.square, source()).next())).message, message);
      }
      assert.deepEqual(
        await pool.map(targets.square, upTo(5)),
        upTo(5).map((n) => n * n),
      );
    });

    it('a source whose return throws has its error thrown by break, and the pool goes on', async () => {
      await using pool = make();
      for (const source of [() => iteratorThat('return'), failsAtItsEnd]) {
        const { message } = await failure(async () => {
          for await (const _ of pool.imap(targets.square, source(), { ahead: 2 })) break;
        });
        assert.match(message, /^of return$|^its end failed$/);
      }
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    });
  });
}
