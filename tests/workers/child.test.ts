/**
 * The common cases of Process and Thread; numbers are those of the list of behaviours
 * that Lockstep sets out to meet.
 *
 * Left out, with the reason:
 *   H93, X13 (an excepthook sees what ends a thread): Node has no such hook. `result` and `exit`
 *   tell, per child.
 *   I100 (keyword arguments, authkey): JavaScript has no keyword arguments, and no secret is
 *        needed: the shared memory's permissions guard it.
 *   I105 (exit(true), exit(false)), I106 (exit with a text): Node's `process.exit` refuses both;
 *        the error ends the child with 1.
 *   I108 (SIGINT is an error in the child): Node has no interrupt error; see process.test.ts for
 *        what happens.
 *   J123, J124, J126, X27: there is one way to start a process, and no fork and no fork server.
 *   X51 (the package logger): Lockstep logs nothing.
 *   X53 (the cleanup helper is restarted): there is no helper; the kernel says who is alive, and
 *       the next program sweeps.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { inspect } from 'node:util';
import { activeChildren, Event, Lock, Process, type ProcessOptions, type Thread } from 'lockstep';
import { sandbox } from '../support/sandbox.ts';
import { until } from '../support/until.ts';
import { type Child, eachKind } from './each-kind.ts';
import * as targets from './targets.ts';

eachKind((make, kind) => {
  it('99: is alive between its start and its end, and has an exit code after that', async () => {
    const event = new Event();
    const child = make({ target: targets.waitFor, args: [event] });
    assert.deepEqual([child.isAlive(), child.exitCode, idOf(child)], [false, null, null]);
    child.start();
    assert.equal(child.isAlive(), true);
    assert.equal(child.exitCode, null);
    assert.equal(typeof idOf(child), 'number');
    assert.equal((activeChildren() as Child[]).includes(child), kind === 'Process');
    event.set();
    assert.equal(await child.join(), true);
    assert.deepEqual([child.isAlive(), child.exitCode], [false, 0]);
    assert.equal((activeChildren() as Child[]).includes(child), false);
  });

  it('91, 102: can be started once, and joined only after that', async () => {
    const child = make({ target: targets.nothing });
    await assert.rejects(child.join(), { code: 'ERR_LOCKSTEP_STATE', message: /not started/ });
    assert.throws(() => child.joinSync(), { code: 'ERR_LOCKSTEP_STATE' });
    assert.throws(() => child.terminate(), { code: 'ERR_LOCKSTEP_STATE' });
    assert.throws(() => child.kill(), { code: 'ERR_LOCKSTEP_STATE' });
    child.start();
    assert.throws(() => child.start(), { code: 'ERR_LOCKSTEP_STATE', message: /started before/ });
    await child.join();
    assert.throws(() => child.start(), { code: 'ERR_LOCKSTEP_STATE' });
  });

  it('X11, X15: join may be repeated, and a timeout of 0 or less looks once', async () => {
    const event = new Event();
    const child = make({ target: targets.waitFor, args: [event] });
    child.start();
    for (const timeout of [0, -1, Number.NEGATIVE_INFINITY]) {
      assert.equal(await child.join(timeout), false);
      assert.equal(child.joinSync({ timeout }), false);
    }
    assert.equal(await child.join({ timeout: 1 }), false, 'as other waits take it');
    const refused = { code: 'ERR_LOCKSTEP_INVALID_TYPE', message: /has no option tiemout; pass e\.g\. 500/ };
    await assert.rejects(child.join({ tiemout: 1 } as object), refused);
    assert.throws(() => child.joinSync({ tiemout: 1 } as object), refused);
    assert.match(String(child), /^<(Process|Thread) ".+" \((pid|thread) \d+\) running>$/);
    assert.equal(child.isAlive(), true);
    event.set();
    assert.equal(await child.join(), true);
    for (const timeout of [undefined, 0, -1, 1000, Number.POSITIVE_INFINITY]) {
      assert.equal(await child.join(timeout), true);
      assert.equal(child.joinSync(timeout), true);
    }
  });

  it('join gives false when its time has passed, not earlier, and the child lives on', async () => {
    const event = new Event();
    const child = make({ target: targets.waitFor, args: [event] });
    child.start();
    for (const join of [() => child.join(60), () => child.joinSync(60)]) {
      const since = performance.now();
      assert.equal(await join(), false);
      assert.ok(performance.now() - since >= 59.5);
      assert.equal(child.isAlive(), true);
    }
    const many = [child.join(), child.join(30_000), child.join(2 ** 40)];
    event.set();
    assert.deepEqual(await Promise.all(many), [true, true, true]);
  });

  it('a timeout that is not a number is a TypeError', async () => {
    const child = make({ target: targets.nothing });
    child.start();
    for (const timeout of [Number.NaN, '5', null, [], { timeout: '5' }]) {
      await assert.rejects(child.join(timeout as number), { code: 'ERR_LOCKSTEP_INVALID_TYPE' });
      assert.throws(() => child.joinSync(timeout as number), TypeError);
    }
    await child.join();
  });

  it('joinSync waits for the end while the event loop stands still', () => {
    const child = make({ target: targets.add, args: [1, 2] });
    child.start();
    assert.equal(child.joinSync(), true);
    assert.deepEqual([child.exitCode, child.isAlive(), child.sentinel.aborted], [0, false, true]);
  });

  it('isAlive and exitCode see the end while the event loop stands still', () => {
    const child = make({ target: targets.exitWith, args: [4] });
    child.start();
    while (child.isAlive());
    assert.equal(child.exitCode, 4);
  });

  it('terminate and kill end it, also while it spins, and its locks are free again', async () => {
    for (const how of ['terminate', 'kill'] as const) {
      const [lock, ready] = [new Lock(), new Event()];
      const child = make({ target: targets.holdForever, args: [lock, ready] });
      child.start();
      await ready.wait();
      child[how]();
      const hold = lock.acquireSync();
      assert.equal(hold.recovered, true);
      hold.release();
      child.joinSync();
      assert.equal(child.exitCode, kind === 'Thread' ? 1 : how === 'kill' ? -9 : -15);
      await assert.rejects(child.result, { code: 'ERR_LOCKSTEP_WORKER_DIED' });
      child[how]();
    }
    const spinning = make({ target: targets.spinForever });
    spinning.start();
    spinning.terminate();
    assert.equal(spinning.joinSync(), true);
  });

  it('109: no finally block and no exit listener runs when it is terminated', async () => {
    const [ready, cleaned] = [new Event(), new Event()];
    const child = make({ target: targets.hasCleanup, args: [ready, cleaned] });
    child.start();
    await ready.wait();
    child.terminate();
    await child.join();
    assert.equal(cleaned.isSet(), false);
  });

  it('118: exit listeners run at its normal end', async () => {
    const mark = join(sandbox, `exited-${kind}`);
    const child = make({ target: targets.exitListener, args: [mark] });
    child.start();
    await child.join();
    assert.equal(existsSync(mark), true);
    rmSync(mark);
  });

  it('114: close is refused while it runs; afterwards it is idempotent and ends the use of the object', async () => {
    const event = new Event();
    const child = make({ target: targets.waitFor, args: [event] });
    child.start();
    assert.throws(() => child.close(), { code: 'ERR_LOCKSTEP_STATE', message: /still running/ });
    event.set();
    await child.join();
    child.close();
    child.close();
    const closed = { code: 'ERR_LOCKSTEP_CLOSED' };
    for (const use of [
      () => child.isAlive(),
      () => child.joinSync(),
      () => child.terminate(),
      () => child.kill(),
      () => child.exitCode,
      () => idOf(child),
      () => child.sentinel,
      () => child.start(),
    ]) {
      assert.throws(use, closed);
    }
    await assert.rejects(child.join(), closed);
    assert.match(inspect(child), /closed/);
    const unused = make({ target: targets.nothing });
    unused.close();
    assert.throws(() => unused.start(), closed);
  });

  it('115: the sentinel aborts when the child ends, and stays aborted', async () => {
    const event = new Event();
    const child = make({ target: targets.waitFor, args: [event] });
    const { sentinel } = child;
    child.start();
    assert.equal(sentinel.aborted, false);
    event.set();
    await once(sentinel, 'abort');
    assert.equal(child.isAlive(), false);
    assert.equal(child.sentinel, sentinel);
    assert.equal(sentinel.aborted, true);
  });

  it('emits exit once, with the exit code, also after joinSync', async () => {
    const child = make({ target: targets.exitWith, args: [6] });
    const codes: unknown[] = [];
    child.on('exit', (code) => codes.push(code));
    child.start();
    child.joinSync();
    await until(() => codes.length > 0, 'the event');
    assert.deepEqual(codes, [6]);
  });

  it('has a default name by number, or the given one, which the child sees', async () => {
    const [first, second] = [make({ target: targets.self }), make({ target: targets.self })];
    const number = (name: string): number => Number(new RegExp(`^${kind}-(\\d+)$`).exec(name)?.[1]);
    assert.equal(number(second.name), number(first.name) + 1);
    const named = make({ target: targets.self, name: 'the "worker"' });
    for (const child of [second, named]) {
      child.start();
      const seen = await child.result;
      assert.equal(kind === 'Process' ? seen.process : seen.thread, child.name);
    }
    first.name = 'changed';
    assert.equal(first.name, 'changed');
    assert.throws(() => (named.name = 'too late'), { code: 'ERR_LOCKSTEP_STATE' });
    assert.throws(() => (named.daemon = true), { code: 'ERR_LOCKSTEP_STATE' });
  });

  it('91: can’t start, join, end or close itself', async () => {
    const child = make({ target: targets.useSelf, args: [kind] });
    child.start();
    assert.deepEqual(await child.result, Array(5).fill('ERR_LOCKSTEP_STATE'));
  });

  it('117: waits for its own threads before it ends', async () => {
    const done = new Event();
    const child = make({ target: targets.leavesThread, args: [done] });
    child.start();
    await child.join();
    assert.equal(done.isSet(), true);
  });

  it('awaiting a daemon keeps the program running', async () => {
    const event = new Event();
    for (const wait of [(child: Child) => child.join(), (child: Child) => child.result]) {
      const child = make({ target: targets.lingers, args: [event], daemon: true });
      child.start();
      await wait(child as Child);
      assert.equal(child.exitCode, 0);
    }
  });

  it('refuses options of the wrong type', () => {
    const wrong: [unknown, RegExp][] = [
      [null, /options/],
      [{ target: 5 }, /target/],
      [{ target: { module: 3 } }, /target/],
      [{ target: targets.nothing, args: 'ab' }, /args/],
      [{ target: targets.nothing, name: 3 }, /name/],
      [{ target: targets.nothing, name: '' }, /name/],
      [{ target: targets.nothing, daemon: 1 }, /daemon/],
    ];
    for (const [options, message] of wrong) {
      assert.throws(() => make(options as ProcessOptions), { code: 'ERR_LOCKSTEP_INVALID_TYPE', message });
    }
    assert.throws(() => make({}).start(), {
      code: 'ERR_LOCKSTEP_TARGET',
      message: /neither a target nor a run/,
    });
  });

  it('shows how it stands', async () => {
    const event = new Event();
    const child = make({ target: targets.waitFor, args: [event], name: 'shown' });
    assert.equal(inspect(child), `<${kind} "shown" not started>`);
    child.start();
    assert.match(inspect(child), /^<\w+ "shown" \((pid|thread) \d+\) running>$/);
    event.set();
    await child.join();
    assert.match(inspect(child), /ended with exit code 0>$/);
  });

  it('run calls the target here and now, without a child', () => {
    assert.equal(make({ target: targets.add, args: [1, 1] }).run(), 2);
  });
});

function idOf(child: Process | Thread): number | null {
  return child instanceof Process ? child.pid : child.ident;
}
