/** The stacks of errors: the program's own calls stand in them, and nothing of Lockstep's. */

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Condition, DeadlockError, Lock, Pipe, Queue, Semaphore, Value, waitAny } from 'lockstep';
import '../support/sandbox.ts';
import { HANG_MS, until } from '../support/until.ts';

const OWN = /[/\\](dist|src)[/\\]/;
const SOON = { timeout: 20 };

async function errorOf(call: () => unknown): Promise<Error> {
  try {
    await call();
  } catch (error) {
    return error as Error;
  }
  return assert.fail('nothing was thrown');
}

/** The promise is not awaited where the call was made. */
function later(call: () => Promise<unknown>): Promise<Error> {
  return new Promise((resolve) => {
    call().catch(resolve);
  });
}

function checkStack(error: Error, caller: string): void {
  const frames = (error.stack ?? '').split('\n    at ').slice(1);
  assert.ok(frames.length > 0, error.stack);
  assert.match(frames[0]!, new RegExp(caller), error.stack);
  assert.deepEqual(
    frames.filter((frame) => OWN.test(frame)),
    [],
  );
}

describe('the stack of an error', { timeout: HANG_MS, concurrency: true }, () => {
  for (const [what, userCall] of Object.entries({
    'of a constructor': () => new Lock({ nmae: 'x' } as object),
    'of a value': () => new Value('i8', 500),
    'of a release': () => new Lock().release(),
    'of a blocking wait': () => new Queue().getSync(SOON),
    'of an awaiting one': () => new Queue().get(SOON),
    'of a full queue': async () => {
      const queue = new Queue({ maxSize: 1 });
      queue.putSync(1);
      await queue.put(2, SOON);
    },
    'of a predicate': () => {
      const condition = new Condition();
      return condition.waitFor(async () => false, SOON);
    },
    'of options': () => new Semaphore().acquire({ timout: 3 } as object),
    'of a list': () => waitAny(5 as never),
  })) {
    it(`${what} begins with the program's call`, async () => {
      checkStack(await errorOf(userCall), 'stacks.test');
    });
  }

  it('that nobody awaited at once shows the call that waited', async () => {
    const closed = new Lock();
    closed.acquireSync();
    const [end, other] = Pipe();
    const waits = [
      later(function ofQueue() {
        return new Queue().get(SOON);
      }),
      later(function ofPipe() {
        return end.recv(SOON);
      }),
      later(function ofClosed() {
        return closed.acquire({ deadlock: 'ignore' });
      }),
    ];
    await until(() => closed.describe().waiting === 1, 'the lock to be waited for');
    closed.close();
    const callers = ['ofQueue', 'ofPipe', 'ofClosed'];
    for (const [index, error] of (await Promise.all(waits)).entries()) checkStack(error, callers[index]!);
    other.close();
  });

  it('of a deadlock shows the call that was refused, and its cycle once', async () => {
    const [a, b] = [new Lock({ name: 'A' }), new Lock({ name: 'B' })];
    let inside = 0;
    async function transfer(from: Lock, to: Lock): Promise<void> {
      await from.run(async () => {
        inside++;
        await until(() => inside === 2, 'both to be inside');
        await to.run(() => {});
      });
    }
    const error = await errorOf(() => Promise.all([transfer(a, b), transfer(b, a)]));
    assert.ok(error instanceof DeadlockError);
    checkStack(error, 'stacks.test');
    assert.match(error.stack!, /transfer/);
    assert.equal(inspect(error).split('holds Lock "A"').length, 2, inspect(error));
    assert.equal(error.cycle.length, 2);
    // Also where another process or thread has thrown it.
    const queue = new Queue<DeadlockError>();
    queue.putSync(error);
    const arrived = queue.getSync();
    assert.deepEqual(arrived.cycle, error.cycle);
    assert.equal(inspect(arrived).split('holds Lock "A"').length, 2);
  });
});

describe('a signal shared by many waits', { timeout: HANG_MS }, () => {
  it('has one listener while they wait, none afterwards, and ends them all', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): number => warnings.push(warning);
    process.on('warning', note);
    const shutdown = new AbortController();
    const { signal } = shutdown;
    const queue = new Queue<number>();
    const lock = new Lock();
    lock.acquireSync();
    const listeners = (): number => getEventListeners(signal, 'abort').length;
    const waits = Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0 ? queue.get({ signal }) : lock.acquire({ signal, deadlock: 'ignore' }),
    );
    const any = waitAny([queue], { signal });
    const ended = Promise.allSettled([...waits, any]);
    assert.equal(listeners(), 1);
    const served = queue.get({ signal });
    queue.putSync(1);
    await until(() => queue.empty, 'the item to be taken');
    assert.equal(listeners(), 1);
    served.catch(() => {});
    shutdown.abort();
    const outcomes = await ended;
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length >= 20, true);
    assert.equal(listeners(), 0);
    const quick = new AbortController();
    assert.equal(
      await queue.get({ signal: quick.signal, ...SOON }).catch((error: Error) => error.name),
      'QueueEmptyError',
    );
    assert.equal(getEventListeners(quick.signal, 'abort').length, 0);
    // Warnings come in a later turn.
    await new Promise(setImmediate);
    process.off('warning', note);
    assert.deepEqual(warnings, []);
  });
});
