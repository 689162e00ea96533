/**
 * The action of a barrier: how it is found, what a handle can't bring about, and what happens while
 * it runs.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Barrier, Lock, openShared, Process, Queue, Thread, Value } from 'lockstep';
import { failingAction } from '../support/actions.ts';
import { action, meets, meetsAt } from '../support/awaiting-actions.ts';
import { meetsElsewhere } from '../support/meeting.ts';
import { HANG_MS, until, untilWaiting } from '../support/until.ts';

const BROKEN = { code: 'ERR_LOCKSTEP_BROKEN_BARRIER' };
const HANDLE = { code: 'ERR_LOCKSTEP_HANDLE' };

describe('the action of a Barrier', { concurrency: true, timeout: HANG_MS }, () => {
  it('is not in the handle, and a handle that has one is refused and loads nothing', async () => {
    const module = 'data:text/javascript,globalThis.forged=1;export default function(){}';
    const part = `action=${encodeURIComponent(JSON.stringify({ module, export: 'default' }))}`;
    const barrier = new Barrier(1, { action });
    assert.doesNotMatch(barrier.handle, /action/);
    for (const { handle } of [barrier, new Barrier(1), new Lock(), new Value('i32')]) {
      assert.throws(() => openShared(`${handle}&${part}`), HANDLE);
      assert.throws(() => openShared(`${handle}&cell=1`), HANDLE);
      for (const [from, to] of [
        [/cell=\d+/, 'cell=1e1'],
        [/cell=\d+/, 'cell=99999999999'],
        [/generation=\d+/, 'generation=-1'],
        [/in=%2F/, 'in=%2Ftmp%2F..%2F'],
      ] as const)
        assert.throws(() => openShared(handle.replace(from, to)), HANDLE);
    }
    const queue = new Queue<Barrier>();
    const bait = new Barrier(1);
    Object.defineProperty(bait, 'handle', { value: `${new Barrier(1).handle}&${part}` });
    queue.putSync(bait);
    assert.throws(() => queue.getSync(), HANDLE);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(Reflect.get(globalThis, 'forged'), undefined);
  });

  for (const Kind of [Process, Thread]) {
    it(`runs in a ${Kind.name} that took it from a queue or got it as an argument, also in a module that awaits`, async () => {
      for (const blocking of [true, false]) {
        const queue = new Queue<Barrier>();
        const barrier = new Barrier(2, { action });
        const children = [0, 1].map(() => new Kind({ target: meets, args: [queue, blocking] }));
        for (const child of children) child.start();
        for (const _ of children) await queue.put(barrier);
        const counts = await Promise.all(children.map(({ result }) => result));
        assert.deepEqual(counts.sort(), [0, 1]);
        await Promise.all(children.map((child) => child.join()));
      }
      const child = new Kind({ target: meetsAt, args: [new Barrier(1, { action })] });
      child.start();
      assert.equal(await child.result, 1);
      await child.join();
    });
  }

  it('that a blocked thread can not load is an error with advice, and the cause of the others', async () => {
    const queue = new Queue<Barrier>();
    const barrier = new Barrier(2, { action });
    const children = [0, 1].map(() => new Thread({ target: meetsElsewhere, args: [queue, true] }));
    for (const child of children) child.start();
    for (const _ of children) await queue.put(barrier);
    const told = (await Promise.all(children.map(({ result }) => result))).sort();
    assert.match(told[0]!, /^ERR_LOCKSTEP_BROKEN_BARRIER .*await barrier\.wait.* ERR_LOCKSTEP_TARGET$/);
    assert.match(told[1]!, /^ERR_LOCKSTEP_TARGET .*await barrier\.wait/);
    await Promise.all(children.map((child) => child.join()));
  });

  it('that is a closure stays here: sending says so, and so does another party that must run it', async () => {
    let ran = 0;
    const barrier = new Barrier(1, { name: 'closure', action: () => ran++ });
    await barrier.wait();
    assert.equal(ran, 1);
    assert.throws(() => barrier.handle, { code: 'ERR_LOCKSTEP_TARGET' });
    assert.equal(Barrier.open(barrier.describe().handle).waitSync(), 0);
    assert.equal(ran, 2);
    assert.throws(() => new Barrier(2, { name: 'closure' }), { code: 'ERR_LOCKSTEP_NAME_TAKEN' });
    new Barrier(1, { name: 'none' });
    assert.throws(() => new Barrier(1, { name: 'none', action }), { code: 'ERR_LOCKSTEP_NAME_TAKEN' });
  });

  it('that throws is the cause of what the others get', async () => {
    const barrier = new Barrier(2, { action: failingAction });
    const [seated, last] = await Promise.allSettled([barrier.wait(), barrier.wait()]);
    assert.equal((last as PromiseRejectedResult).reason.name, 'RangeError');
    const { cause } = (seated as PromiseRejectedResult).reason as Error;
    assert.deepEqual(
      [(cause as Error).name, (cause as Error).message],
      ['RangeError', 'thrown by the action'],
    );
  });

  it('leaves those who come early their timeout and signal, and is not disturbed when they give up', async () => {
    for (const timed of [true, false]) {
      let end!: () => void;
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      const barrier = new Barrier(2, { action: () => ended });
      const round = Promise.all([barrier.wait(), barrier.wait()]);
      await until(() => barrier.nWaiting === 2, 'the action to begin');
      const controller = new AbortController();
      const early = barrier.wait(timed ? { timeout: 30 } : { signal: controller.signal });
      if (!timed) controller.abort();
      await assert.rejects(early, timed ? BROKEN : { name: 'AbortError' });
      assert.equal(barrier.broken, true);
      await assert.rejects(barrier.wait(), BROKEN);
      end();
      assert.deepEqual((await round).sort(), [0, 1]);
      assert.equal(barrier.broken, true);
      barrier.reset();
      assert.equal(barrier.broken, false);
    }
  });

  it('that waits at its own barrier is refused at once, and abort and reset from within it break the round', async () => {
    const DEADLOCK = { code: 'ERR_LOCKSTEP_DEADLOCK' };
    const sync: Barrier = new Barrier(1, { action: () => sync.waitSync({ timeout: 50 }) });
    assert.throws(() => sync.waitSync(), DEADLOCK);
    const later: Barrier = new Barrier(1, {
      action: async () => {
        await Promise.resolve();
        await later.wait();
      },
    });
    await assert.rejects(later.wait(), DEADLOCK);
    for (const how of ['abort', 'reset', 'close'] as const) {
      const barrier: Barrier = new Barrier(2, { action: () => barrier[how]() });
      const [seated, last] = await Promise.allSettled([barrier.wait(), barrier.wait()]);
      assert.equal(seated.status, 'rejected', how);
      assert.equal(last.status, 'rejected', how);
      if (how !== 'close') assert.equal(barrier.broken, how === 'abort');
    }
  });

  it('is of no account to the rounds: their number wraps', async () => {
    const one = new Barrier(1);
    for (let round = 0; round < 65_533; round++) one.waitSync();
    const barrier = new Barrier(2);
    for (let round = 0; round < 65_533; round++) {
      const lone = barrier.wait();
      lone.catch(() => {});
      barrier.reset();
      if (round % 64 === 0) await assert.rejects(lone, BROKEN);
    }
    for (let round = 0; round < 6; round++) {
      assert.equal(one.waitSync(), 0);
      const waits = [barrier.wait(), barrier.wait()];
      assert.deepEqual((await Promise.all(waits)).sort(), [0, 1]);
      const lone = barrier.wait();
      await untilWaiting(barrier, 1);
      barrier.reset();
      await assert.rejects(lone, BROKEN);
    }
  });
});
