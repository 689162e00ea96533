/**
 * Calls that reject long after they were made, by a timer, a death or an end elsewhere. The stack
 * of each error shows the call, although no code of the program runs when the error is made.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asCompleted, Barrier, Event, Pipe, Process, Queue, Thread } from 'lockstep';
import { load } from '../support/internals.ts';
import * as targets from '../support/pool-targets.ts';
import type { AnyPool } from '../support/pools.ts';
import { poolSuite } from '../support/pools.ts';
import { HANG_MS, until } from '../support/until.ts';

const OWN = /[/\\](dist|src)[/\\]/;
const SOON = { timeout: 20 };
const settled = { settled: true } as const;

type Call = () => PromiseLike<unknown>;

/** The error of a call that nobody awaits where it is made. */
function errorLater(call: Call): Promise<Error> {
  return new Promise((resolve, reject) => {
    call().then(() => reject(new Error('it did not reject')), resolve);
  });
}

function framesOf({ stack = '' }: Error): string[] {
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  assert.deepEqual(
    frames.filter((frame) => OWN.test(frame)),
    [],
  );
  return frames;
}

function checkShowsCall(what: string, error: Error): void {
  const shown = framesOf(error).some((frame) => frame.includes('late-errors.test'));
  assert.ok(shown, `${what}: ${error.stack}`);
}

async function checkEach(calls: Record<string, Call>): Promise<void> {
  const errors = Object.entries(calls).map(async ([what, call]) => [what, await errorLater(call)] as const);
  for (const [what, error] of await Promise.all(errors)) checkShowsCall(what, error);
}

async function throwReason(outcomes: PromiseLike<PromiseSettledResult<unknown>[]>): Promise<void> {
  for (const outcome of await outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** The second value of a stream, after which it ends its worker or goes on for long. */
async function secondOf(values: AsyncIterator<unknown>): Promise<unknown> {
  await values.next();
  return await values.next();
}

poolSuite('late errors', (stage) => {
  stage.it('of calls that take too long show the call', () =>
    stage.withPool({ processes: 1, grace: 0 }, async (pool) => {
      await checkEach({
        apply: () => pool.apply(targets.sleepLong, [], SOON),
        submit: () => pool.submit(targets.sleepLong, [], SOON),
        map: () => pool.map(targets.sleepLong, [1], SOON),
        each: () => pool.each(targets.sleepLong, [1], SOON),
        starmap: () => pool.starmap(targets.sleepLong, [[]], SOON),
        imap: () => pool.imap(targets.sleepLong, [1], SOON).next(),
        imapUnordered: () => pool.imapUnordered(targets.sleepLong, [1], SOON).next(),
        broadcast: () => pool.broadcast(targets.sleepLong, [], SOON),
        wrap: () => pool.wrap(targets.sleepLong, SOON)(),
      });
    }),
  );

  stage.it('of calls that wait too long show the call', () =>
    stage.withPool({ processes: 1, maxQueue: 1 }, async (pool) => {
      using began = new Queue<number>();
      const busy = pool.apply(targets.spinForEver, [began]);
      busy.catch(() => {});
      await began.get();
      // One more is handed out, and one waits in the heap.
      const queued = (): Promise<unknown> => pool.apply(targets.add, [1, 1]);
      await checkEach({ queueTimeout: () => pool.apply(targets.add, [1, 1], { queueTimeout: 20 }) });
      while (pool.stats.queued === 0) queued().catch(() => {});
      const results = pool.imap(targets.same, [1]);
      await checkEach({
        room: () => pool.room(SOON),
        next: () => results.next(SOON),
        asCompleted: () => asCompleted([busy], SOON).next(),
      });
    }),
  );

  stage.it('of calls whose worker dies show the call', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      await checkEach({
        apply: () => pool.apply(targets.exit, [7]),
        submit: () => pool.submit(targets.exit, [7]),
        map: () => pool.map(targets.exit, [7, 8]),
        settled: () => throwReason(pool.map(targets.exit, [7], settled)),
        each: () => pool.each(targets.exit, [7]),
        starmap: () => pool.starmap(targets.exit, [[7]]),
        imap: () => pool.imap(targets.exit, [7]).next(),
        stream: () => secondOf(pool.stream(targets.countAnd, [1, 'exit'])),
        proxy: () => pool.proxy(targets).exit(7),
        group: () => {
          const group = pool.group();
          void group.submit(targets.exit, [7]);
          return group.done();
        },
      });
    }),
  );

  stage.it('of a broadcast whose workers die show the call', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      await pool.ready;
      await checkEach({ broadcast: () => pool.broadcast(targets.exit, [7]) });
    }),
  );

  stage.it('of functions that throw show the call behind the frames of the worker', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const error = await errorLater(() => pool.apply(targets.fail, [1]));
      assert.match(error.stack!, /at fail .*\n.*-- in a worker, called --\n(.*\n)*.*late-errors\.test/s);
      framesOf(error);
    }),
  );

  const allOf = (pool: AnyPool): Record<string, Call> => ({
    ready: () => pool.ready,
    apply: () => pool.apply(targets.sleepLong),
    map: () => pool.map(targets.sleepLong, [1]),
    imap: () => pool.imap(targets.sleepLong, [1]).next(),
    stream: () => pool.stream(targets.countTo, [1]).next(),
  });

  stage.it('of a pool that breaks show the call', () =>
    stage.withPool({ processes: 1, initializer: targets.failWithMany }, async (pool) => {
      await checkEach(allOf(pool));
    }),
  );

  for (const how of ['terminate', Symbol.asyncDispose] as const) {
    stage.it(`of a pool that is ended by ${String(how)} show the call`, () =>
      stage.withPool({ processes: 1, grace: 0 }, async (pool) => {
        await pool.ready;
        const { ready: _, ...calls } = allOf(pool);
        const checked = checkEach(calls);
        await pool[how]();
        await checked;
      }),
    );
  }
});

for (const [kind, Child] of [
  ['Process', Process],
  ['Thread', Thread],
] as const) {
  describe(`late errors: ${kind}`, { timeout: HANG_MS, concurrency: true }, () => {
    const resultOf = (target: (n: number) => unknown) => (): Promise<unknown> => {
      const child = new Child({ target: target as () => unknown, args: [3] as never });
      child.start();
      return child.result;
    };

    it('of a child that ends without a result show where it was started', () =>
      checkEach({ exit: resultOf(targets.exit), returns: resultOf(targets.throwFunction) }));

    it('of its target show where it was started, behind its own frames', async () => {
      const error = await errorLater(resultOf(targets.fail));
      assert.match(
        error.stack!,
        /at fail .*\n.*-- in (Process|Thread) "\S+", started --\n(.*\n)*.*late-errors/s,
      );
      framesOf(error);
    });
  });
}

describe('late errors', { timeout: HANG_MS, concurrency: true }, () => {
  it('of waits that end otherwise show the call', async () => {
    const [reader, writer] = Pipe<Uint8Array>();
    const [sender, receiver] = Pipe<Uint8Array>();
    while (await sends(sender));
    const [barrier, queue, event] = [new Barrier(9), new Queue(), new Event()];
    const checked = checkEach({
      'a timeout breaks a barrier': () => new Barrier(2).wait(SOON),
      'a barrier is broken': () => barrier.wait(),
      'a queue is closed': () => queue.get(),
      'an event is closed': () => event.wait(),
      'the other end is gone': () => reader.recv(),
      'nobody receives': () => sender.send(new Uint8Array(1_000_000)),
    });
    await until(
      () =>
        [barrier, queue, event, reader].every((each) => each.describe().waiting === 1) &&
        sender.describe().waitingToSend === 1,
      'the calls to wait',
    );
    barrier.abort();
    for (const each of [queue, event, writer, receiver]) each.close();
    await checked;
  });
});

/** Whether there was room. */
async function sends(end: { send(value: Uint8Array, options: object): Promise<void> }): Promise<boolean> {
  try {
    await end.send(new Uint8Array(1_000_000), { timeout: 0 });
    return true;
  } catch {
    return false;
  }
}

describe('late errors of very short tasks', () => {
  it('show an earlier call of the function, and say so', async () => {
    type Module = typeof import('../../src/pool/callers.ts');
    const { Callers, ofCaller } = await load<Module>('pool/callers.js');
    type Function = Parameters<InstanceType<Module['Callers']>['origin']>[0];
    type Task = Parameters<Module['ofCaller']>[0];
    const callers = new Callers();
    const fn: Function = { name: 'short', key: 0, fn: undefined, called: undefined };
    const origins = Array.from({ length: 2000 }, () => callers.origin(fn, 5));
    assert.ok(origins[0] !== undefined, 'the first calls are recorded');
    const rest = origins.slice(256);
    const recorded = rest.filter((origin) => origin !== undefined);
    assert.equal(recorded.length, 7, 'of the others, one in 256');
    assert.equal(fn.called, recorded.at(-1));
    assert.notEqual(callers.origin(fn, 500), undefined);
    // Of another function, the first call is recorded.
    assert.notEqual(callers.origin({ ...fn, called: undefined }, 5), undefined);
    const task = { fn, origin: undefined } as Task;
    const died = ofCaller(task, new Error('died'), false);
    checkShowsCall('died', died);
    assert.match(died.stack!, /^Error: died\n {4}-- an earlier call of short; .* --\n {4}at /);
    const thrown = ofCaller(task, new Error('thrown'), true);
    assert.match(thrown.stack!, /-- in a worker; an earlier call of short; .* --\n {4}at /);
  });
});
