/** Timer and ThreadLocal; numbers as in child.test.ts. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Process, Thread, ThreadLocal, Timer } from 'lockstep';
import { until } from '../support/until.ts';
import * as targets from './targets.ts';

describe('Timer', () => {
  it('calls once, not before its time, with its arguments', async () => {
    const calls: unknown[][] = [];
    const since = performance.now();
    const timer = new Timer(
      30,
      (...args: [string, number]) => calls.push([...args, performance.now()]),
      'a',
      1,
    );
    assert.equal(timer.isAlive(), false);
    timer.start();
    assert.equal(timer.isAlive(), true);
    await until(() => calls.length > 0, 'the call');
    const [[text, number, at]] = calls as [[string, number, number]];
    assert.deepEqual([text, number, timer.isAlive()], ['a', 1, false]);
    assert.ok(at - since >= 30, `after ${at - since} ms`);
    assert.throws(() => timer.start(), { code: 'ERR_LOCKSTEP_STATE' });
  });

  it('96: cancel prevents the call, before and after start, and is harmless after the call', async () => {
    let calls = 0;
    const [early, late, fired] = [1, 2, 3].map(() => new Timer(5, () => calls++)) as [Timer, Timer, Timer];
    early.cancel();
    early.start();
    late.start();
    late.cancel();
    fired.start();
    await until(() => calls > 0, 'the call');
    fired.cancel();
    await sleep(10);
    assert.equal(calls, 1);
    assert.deepEqual([early.isAlive(), late.isAlive(), fired.isAlive()], [false, false, false]);
  });

  it('waits longer than Node’s own timers can', async () => {
    let called = false;
    const timer = new Timer(2 ** 33, () => (called = true));
    timer.start();
    await sleep(5);
    assert.deepEqual([called, timer.isAlive()], [false, true]);
    timer.cancel();
  });

  it('refuses anything but a number and a function', () => {
    for (const milliseconds of [Number.NaN, '5', undefined]) {
      assert.throws(() => new Timer(milliseconds as number, () => {}), { code: 'ERR_LOCKSTEP_INVALID_TYPE' });
    }
    assert.throws(() => new Timer(5, 'code' as never), { code: 'ERR_LOCKSTEP_INVALID_TYPE' });
  });
});

describe('ThreadLocal', () => {
  it('97: is another in every thread and process, made once in each that asks', async () => {
    assert.deepEqual(targets.readLocal(), { first: 1, again: 1, made: 1 });
    for (const child of [
      new Thread({ target: targets.readLocal }),
      new Process({ target: targets.readLocal }),
    ]) {
      child.start();
      assert.deepEqual(await child.result, { first: 1, again: 1, made: 1 });
    }
    assert.equal(targets.counted.made, 1);
  });

  it('97: a value set in one run is absent in another, and outside', async () => {
    assert.throws(() => new ThreadLocal(5 as never), {
      code: 'ERR_LOCKSTEP_INVALID_TYPE',
      message: /5 is not a function/,
    });
    const local = new ThreadLocal<string>();
    assert.equal(local.value, undefined);
    const seen = await Promise.all(
      ['a', 'b'].map((value) =>
        local.run(async () => {
          const before = local.isSet;
          local.value = value;
          await sleep(5);
          return [before, local.value, local.run(() => local.value)];
        }),
      ),
    );
    assert.deepEqual(seen, [
      [false, 'a', undefined],
      [false, 'b', undefined],
    ]);
    assert.equal(local.isSet, false);
    local.value = 'outside';
    local.clear();
    assert.equal(local.isSet, false);
  });

  it('can’t be sent', () => {
    const child = new Thread({ target: targets.echo, args: [new ThreadLocal()] });
    assert.throws(() => child.start(), { code: 'ERR_LOCKSTEP_NOT_SENDABLE', message: /a ThreadLocal/ });
  });
});
