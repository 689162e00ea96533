/**
 * The contract of calls and maps over every form that they have: processes, threads and `processes:
 * 0`, each awaiting and blocking.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { MapOptions, Progress } from 'lockstep';
import { Pool, range, TaskTimeoutError, ThreadPool, WorkerDiedError } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import type { AnyPool } from '../support/pools.ts';
import { HANG_MS } from '../support/until.ts';

type AnyFunction = (...args: never[]) => unknown;
type Target = AnyFunction | { module: URL; export: string };

/** How a call is made; both forms throw into the returned promise. */
interface Form {
  readonly pool: AnyPool;
  /** Makes such a pool, which kills a task that long after its abort. */
  readonly make: (grace: number) => AnyPool;
  readonly isHere: boolean;
  readonly isSync: boolean;
  call(fn: Target, args?: readonly unknown[], options?: object): Promise<unknown>;
  map(fn: AnyFunction, items: Iterable<unknown>, options?: MapOptions): Promise<unknown[]>;
}

const POOLS: Record<string, (grace: number) => AnyPool> = {
  Pool: (grace) => new Pool({ processes: 1, grace }) as unknown as AnyPool,
  ThreadPool: (grace) => new ThreadPool({ threads: 1, grace }) as unknown as AnyPool,
  'processes: 0': (grace) => new Pool({ processes: 0, grace }) as unknown as AnyPool,
};
/** Milliseconds until a task that does not heed its abort is killed. */
const GRACE = 20;

for (const [kind, make] of Object.entries(POOLS)) {
  describe(kind, { timeout: HANG_MS }, () => {
    const pool = make(GRACE);
    after(() => pool.terminate());
    const isHere = kind === 'processes: 0';
    const awaiting: Form = {
      pool,
      make,
      isHere,
      isSync: false,
      call: async (fn, args = [], options = {}) => pool.apply(fn as never, args as never, options),
      map: async (fn, items, options) => pool.map(fn as never, items as Iterable<never>, options),
    };
    const blocking: Form = {
      pool,
      make,
      isHere,
      isSync: true,
      call: async (fn, args = [], options = {}) => pool.applySync(fn as never, args as never, options),
      map: async (fn, items, options) => pool.mapSync(fn as never, items as Iterable<never>, options),
    };
    describe('awaiting', () => cases(awaiting));
    describe('blocking', () => cases(blocking));
  });
}

const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n);

async function rejected(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return await promise.then(
    () => assert.fail('it did not reject'),
    (error: Error) => error,
  );
}

function cases({ call, map, isHere, isSync, pool, make }: Form): void {
  it('values of all sorts go there and back', async () => {
    const cyclic: Record<string, unknown> = { when: new Date(5), big: 10n ** 30n, set: new Set([1, 'x']) };
    cyclic.self = cyclic;
    const back = (await call(targets.same, [cyclic])) as typeof cyclic;
    assert.equal(back.self, back);
    assert.deepEqual([back.when, back.big, back.set], [cyclic.when, cyclic.big, cyclic.set]);
    // A copy of an instance has its fields, and no methods.
    const point = (await call(targets.mirrored, [new targets.Point(1, 2)])) as targets.Point;
    assert.deepEqual({ ...point }, { x: 2, y: 1 });
    assert.equal(point.sum, undefined);
    const error = await call(targets.same, [new RangeError('one', { cause: new TypeError('two') })]);
    assert.ok(error instanceof RangeError && error.cause instanceof TypeError);
  });

  it('Q196: an error keeps its class, fields, cause and parts', async () => {
    const own = (await rejected(call(targets.fail, [7]))) as targets.OwnError;
    assert.deepEqual([own.name, own.message, own.detail], ['OwnError', 'failed with 7', 7]);
    const many = (await rejected(call(targets.failWithMany))) as AggregateError;
    assert.ok(many instanceof AggregateError);
    assert.deepEqual([many.message, many.cause], ['many', { code: 7 }]);
    assert.ok(many.errors[0] instanceof TypeError);
    assert.equal((many.errors[1] as targets.OwnError).detail, 2);
  });

  it('Q204, Q205, S246: what can’t be sent or found fails its call alone', async () => {
    assert.equal((await rejected(call(targets.same, [{ fn: () => 1 }]))).code, 'ERR_LOCKSTEP_NOT_SENDABLE');
    // A copy of these would be an empty object.
    const { signal } = new AbortController();
    for (const lost of [signal, new Headers({ a: 'b' }), new EventTarget(), new MessageChannel().port1]) {
      const { code, message } = await rejected(call(targets.same, [lost]));
      assert.equal(code, 'ERR_LOCKSTEP_NOT_SENDABLE');
      assert.match(message, /: same: args\[0\] can't be sent to another process, it is an? [A-Z]\w+[ ;].*$/);
    }
    for (let n = 0; n < 20; n++)
      assert.equal((await rejected(call(targets.returnFunction))).code, 'ERR_LOCKSTEP_NOT_SENDABLE');
    assert.equal((await rejected(call(targets.throwFunction))).code, 'ERR_LOCKSTEP_NOT_SENDABLE');
    const module = new URL('../support/pool-targets.js', import.meta.url);
    for (const fn of [() => 1, { module, export: 'missing' }])
      assert.equal((await rejected(call(fn))).code, 'ERR_LOCKSTEP_TARGET');
    assert.equal(await call(targets.add, [1, 2]), 3);
  });

  it('a getter that throws, of an argument or of a result, fails its call alone', async () => {
    const thrower = {
      get field(): never {
        throw new RangeError('of a getter');
      },
    };
    assert.match((await rejected(call(targets.same, [thrower]))).message, /of a getter/);
    assert.match((await rejected(call(targets.returnThrower, [true]))).message, /of a getter/);
    const [bad, good] = await map(targets.returnThrower, [true, false], { settled: true });
    assert.match(String(Reflect.get(bad as object, 'reason')), /of a getter/);
    assert.deepEqual(good, { status: 'fulfilled', value: 'fine' });
    assert.equal(await call(targets.add, [1, 2]), 3);
  });

  it('an error has the frames of its function, and none of Lockstep', async () => {
    const { stack = '' } = await rejected(call(targets.fail, [1]));
    assert.match(stack, /at fail .*pool-targets/);
    assert.doesNotMatch(stack, /lockstep-|\/dist\/|src\/pool/);
  });

  it('Q206, S247 HAZARD: an error that can’t be made again arrives all the same', async () => {
    assert.equal((await rejected(call(targets.failWithStrangeError))).message, 'strange');
    assert.equal(await call(targets.add, [1, 2]), 3);
  });

  it('a module that throws at its import fails its call alone', async () => {
    if (isHere && isSync) return;
    const module = new URL('../programs/fails-at-import.js', import.meta.url);
    const error = await rejected(call({ module, export: 'never' }));
    assert.match(`${error.message} ${String(error.cause)}`, /of the import/);
    assert.equal(await call(targets.add, [1, 2]), 3);
  });

  it('a map gives its results in order, whatever its items are iterated by', async () => {
    const squares = upTo(300).map((n) => n * n);
    for (const items of [upTo(300), range(300), new Set(upTo(300)), Int32Array.from(upTo(300))])
      assert.deepEqual(await map(targets.square, items), squares);
    assert.deepEqual(await map(targets.square, []), []);
  });

  it('Q195: a map runs all items, and then gives the first error, or every outcome', async () => {
    const error = await rejected(map(targets.failAt3, range(6)));
    assert.equal(error.message, 'failed with 3');
    const all = (await map(targets.failAt3, range(6), { settled: true })) as { status: string }[];
    assert.deepEqual(
      all.map(({ status }) => status === 'fulfilled'),
      [true, true, true, false, true, true],
    );
    const items = ['x', () => 1, 'y', 'z'];
    const sent = (await map(targets.same, items, { settled: true })) as { status: string }[];
    assert.deepEqual(
      sent.map(({ status }) => status === 'fulfilled'),
      [true, false, true, true],
    );
  });

  it('X43: a source that throws makes the map reject with that', async () => {
    function* breaks(at: number): Generator<number> {
      for (let n = 0; n < at; n++) yield n;
      throw new Error(`source at ${at}`);
    }
    for (const at of [0, 1, 30])
      assert.equal((await rejected(map(targets.square, breaks(at)))).message, `source at ${at}`);
  });

  it('Q217 HAZARD: a chunk size of 0 or less is refused; others change no result', async () => {
    for (const chunkSize of [0, -1, 1.5, Number.NaN])
      assert.equal(
        (await rejected(map(targets.square, [1], { chunkSize }))).code,
        'ERR_LOCKSTEP_OUT_OF_RANGE',
      );
    for (const chunkSize of [1, 3, 100])
      assert.deepEqual(
        await map(targets.square, upTo(10), { chunkSize }),
        upTo(10).map((n) => n * n),
      );
  });

  it('progress is reported at the end of a map', async () => {
    const seen: Progress[] = [];
    await map(targets.square, upTo(30), { onProgress: (progress) => void seen.push(progress) });
    const { done, total, failed, remaining } = seen.at(-1)!;
    assert.deepEqual({ done, total, failed, remaining }, { done: 30, total: 30, failed: 0, remaining: 0 });
  });

  it('a map that takes too long is given up', async () => {
    if (isHere && isSync) return;
    const endless = map(targets.untilAborted as AnyFunction, [1, 2, 3], { timeout: 20 });
    assert.ok((await rejected(endless)) instanceof TaskTimeoutError);
    assert.equal(await call(targets.add, [1, 2]), 3);
  });

  it('a task that times out, and heeds its signal, leaves its worker usable', async () => {
    if (isHere && isSync) return;
    // The worker may be slow to heed it.
    const patient = make(HANG_MS);
    const run = async (fn: AnyFunction, options: object = {}): Promise<unknown> =>
      isSync
        ? patient.applySync(fn as never, [] as never, options)
        : patient.apply(fn as never, [] as never, options);
    const worker = await run(targets.whoami);
    const error = await rejected(run(targets.untilAborted, { timeout: 5 }));
    assert.ok(error instanceof TaskTimeoutError);
    assert.equal(await run(targets.whoami), worker);
    await patient.terminate();
  });

  it('Q213 HAZARD: a task that ends its worker fails, with its exit code, and no other', async () => {
    if (isHere) return;
    const others = upTo(20).map((n) => pool.apply(targets.add, [n, 0]));
    const error = (await rejected(call(targets.exit, [7]))) as WorkerDiedError;
    assert.ok(error instanceof WorkerDiedError);
    assert.deepEqual([error.exitCode, error.task, error.attempts], [7, 'exit(7)', 1]);
    assert.deepEqual(await Promise.all(others), upTo(20));
    const [lost, kept] = (await map(targets.exitAt as AnyFunction, [3, 0], {
      settled: true,
      chunkSize: 1,
    })) as PromiseSettledResult<number>[];
    assert.deepEqual([lost!.status, kept!.status], ['rejected', 'fulfilled']);
  });
}
