/**
 * What Process and Thread have in common, case by case; numbers are those of the list of behaviours that Lockstep sets out
 * to meet.
 *
 * Left out, with the reason:
 *   H93, X13 (an excepthook sees what ends a thread): Node has no such hook. `result` and `exit` tell, per child.
 *   I100 (keyword arguments, authkey): JavaScript has no keyword arguments, and no secret is needed: the shared memory's
 *     permissions guard it.
 *   I105 (exit(true), exit(false)), I106 (exit with a text): Node's `process.exit` refuses both; the error ends the child with 1.
 *   I108 (SIGINT is an error in the child): Node has no interrupt error; see process.test.ts for what happens.
 *   J123, J124, J126, X27: there is one way to start a process, and no fork and no fork server.
 *   X51 (the package logger): Lockstep logs nothing.
 *   X53 (the cleanup helper is restarted): there is no helper; the kernel says who is alive, and the next program sweeps.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { activeChildren, Event, Lock, Process, type ProcessOptions, Thread } from 'lockstep';
import { sandbox } from '../support/sandbox.ts';
import { until } from '../support/until.ts';
import * as targets from './targets.ts';

type Child = Process | Thread;
type Make = <Result, Args extends readonly unknown[]>(
  options: ProcessOptions<Result, Args>,
) => Process<Result, Args> | Thread<Result, Args>;

const made: Child[] = [];

const KINDS: [name: 'Process' | 'Thread', make: Make][] = [
  ['Process', (options) => keep(new Process(options))],
  ['Thread', (options) => keep(new Thread(options))],
];

// A test that fails must not leave a child that waits for ever.
afterEach(() => {
  for (const child of made.splice(0)) {
    if (!inspect(child).includes('running')) continue;
    child.kill();
    child.joinSync();
  }
});

for (const [kind, make] of KINDS) {
  describe(kind, () => {
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
        assert.equal(child.joinSync(timeout), false);
      }
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

    it('a timeout that is no number is a TypeError', async () => {
      const child = make({ target: targets.nothing });
      child.start();
      for (const timeout of [Number.NaN, '5', null, {}]) {
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

    it('runs functions that return at once or later, with their arguments', async () => {
      for (const target of [targets.add, targets.addLater]) {
        const child = make({ target, args: [2, 3] });
        child.start();
        assert.equal(await child.result, 5);
        assert.equal(child.exitCode, 0);
      }
    });

    it('100: arguments arrive unchanged', async () => {
      const cycle: { self?: unknown; list: unknown[] } = { list: [1] };
      cycle.self = cycle;
      cycle.list[2] = 'after a hole';
      const args = [
        undefined,
        null,
        -0,
        1n << 70n,
        'ü\ud800',
        new Date(5),
        /x/gi,
        new Map<unknown, unknown>([[{ k: 1 }, new Set([1, 'a'])]]),
        new Float64Array([1.5, Number.NaN]),
        Buffer.from('bytes'),
        new TypeError('kept', { cause: 7 }),
        cycle,
        JSON.parse('{"__proto__": 3}'),
      ];
      const child = make({ target: targets.echo, args });
      child.start();
      const got = await child.result;
      assert.equal(Object.is(got[2], -0), true);
      assert.equal((got[11] as typeof cycle).self, got[11]);
      assert.equal(1 in (got[11] as typeof cycle).list, false);
      assert.deepEqual(Object.keys(got[12] as object), ['__proto__']);
      assert.equal(Buffer.from(got[9] as Uint8Array).toString(), 'bytes');
      assert.equal((got[10] as Error).cause, 7);
      assert.ok(got[10] instanceof TypeError);
      const whole = (values: unknown[]): unknown[] => values.filter((_, index) => ![9, 10].includes(index));
      assert.deepEqual(whole(got), whole(args));
    });

    it('shared objects travel nested anywhere, and stay the same object', async () => {
      const lock = new Lock();
      lock.acquireSync();
      const value = {
        map: new Map([['locks', [lock]]]),
        set: new Set([lock]),
        self: undefined as unknown,
        deep: { at: { last: lock } },
      };
      value.self = value;
      const child = make({ target: targets.nested, args: [value] });
      child.start();
      assert.deepEqual(await child.result, { same: true, cyclic: true, locked: true, handle: lock.handle });
    });

    it('a shared object that only the child’s arguments hold stays alive until the child has it', async () => {
      const children = [1, 2, 3].map(() => make({ target: targets.nested, args: [onlyHere()] }));
      for (const child of children) child.start();
      (globalThis as { gc?: () => void }).gc?.();
      for (const child of children) assert.equal((await child.result).locked, false);
    });

    it('what can’t be sent is refused at start, with its place', () => {
      const refused: [unknown[], RegExp][] = [
        [[() => {}], /args\[0\] can't be sent .*it is a function/],
        [[1, { callback: function onDone() {} }], /args\[1\]\.callback .*a function \(onDone\)/],
        [[new Map([['a b', [Symbol('s')]]])], /args\[0\]\.get\("a b"\)\[0\] .*Symbol\(s\)/],
        [[{ 'odd key': new WeakMap() }], /args\[0\]\["odd key"\] .*a WeakMap/],
        [[Promise.resolve()], /args\[0\] .*a Promise/],
        [[new Proxy({}, {})], /args\[0\] .*a Proxy/],
        [[new Set([new URL('http://localhost')])], /args\[0\]\.values\(\)\[0\] .*a URL/],
        [[new MessageChannel().port1], /args\[0\] .*MessagePort/],
        [[make({ target: targets.nothing })], new RegExp(`args\\[0\\] .*a ${kind}, which only the thread`)],
      ];
      for (const [args, message] of refused) {
        const child = make({ target: targets.echo, args });
        assert.throws(() => child.start(), { code: 'ERR_LOCKSTEP_NOT_SENDABLE', message });
        assert.equal(child.isAlive(), false);
      }
    });

    it('deep nesting is sent or refused, and never overflows the stack of the program', async () => {
      let deep: unknown = 'end';
      for (let n = 0; n < 100_000; n++) deep = [deep];
      const child = make({ target: targets.echo, args: [deep] });
      assert.throws(() => child.start(), { code: 'ERR_LOCKSTEP_NOT_SENDABLE' });
    });

    it('an error in the target gives exit code 1 and rejects the result with that error', async () => {
      const child = make({ target: targets.fail, args: ['on purpose'] });
      child.start();
      const error = await rejection(child.result);
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, 'on purpose');
      assert.equal((error as NodeJS.ErrnoException).code, 'ERR_OF_THE_TEST');
      assert.equal((error.cause as Error).message, 'the cause');
      assert.match(error.stack ?? '', /at fail .*targets/);
      assert.equal(child.exitCode, 1);
    });

    it('whatever is thrown arrives, Lockstep’s errors with their class', async () => {
      const { StateError } = await import('lockstep');
      const thrown = [
        undefined,
        'text',
        5,
        { plain: 1 },
        new StateError('state'),
        new AggregateError([new Error('a')], 'b'),
      ];
      for (const value of thrown) {
        const child = make({ target: targets.failWith, args: [value] });
        child.start();
        const got = await rejection(child.result);
        if (value instanceof Error) {
          assert.equal(got.constructor, value.constructor);
          assert.equal(got.message, value.message);
          assert.deepEqual(Object.keys(got).sort(), Object.keys(value).sort());
        } else assert.deepEqual(got, value);
      }
    });

    it('an error outside the target’s own calls ends the child and rejects the result, too', async () => {
      const child = make({ target: targets.failLater, args: ['from a timer'] });
      child.start();
      await assert.rejects(child.result, { name: 'RangeError', message: 'from a timer' });
      assert.equal(child.exitCode, 1);
    });

    it('a result that nobody looks at is no unhandled rejection', async () => {
      const child = make({ target: targets.fail, args: ['unseen'] });
      child.start();
      assert.equal(await child.join(), true);
    });

    it('a result that can’t be sent rejects the result only', async () => {
      const child = make({ target: targets.returnsFunction });
      child.start();
      await assert.rejects(child.result, {
        code: 'ERR_LOCKSTEP_NOT_SENDABLE',
        message: /result\.server\.close .*a function/,
      });
      assert.equal(child.exitCode, 0);
    });

    it('process.exit(n) gives exit code n, and there is no result', async () => {
      for (const code of [0, 3]) {
        const child = make({ target: targets.exitWith, args: [code] });
        child.start();
        await assert.rejects(child.result, { code: 'ERR_LOCKSTEP_WORKER_DIED', message: /exit code/ });
        assert.equal(child.exitCode, code);
      }
    });

    it('106: an exit code that is none is an error in the target', async () => {
      const child = make({ target: targets.exitOddly, args: ['text'] });
      child.start();
      await assert.rejects(child.result, { code: 'ERR_INVALID_ARG_TYPE' });
      assert.equal(child.exitCode, 1);
    });

    it('lives on after its target has returned, until its event loop is empty', async () => {
      const done = new Event();
      const child = make({ target: targets.lingers, args: [done] });
      child.start();
      assert.equal(await child.result, 'returned');
      assert.equal(done.isSet(), true);
    });

    it('a target that can never settle ends with exit code 13', async () => {
      const child = make({ target: targets.neverSettles });
      child.start();
      await assert.rejects(child.result, { code: 'ERR_LOCKSTEP_WORKER_DIED' });
      assert.equal(child.exitCode, 13);
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
}

function keep<C extends object>(child: C): C {
  made.push(child as Child);
  return child;
}

function idOf(child: Process | Thread): number | null {
  return child instanceof Process ? child.pid : child.ident;
}

function onlyHere(): {
  map: Map<string, Lock[]>;
  set: Set<Lock>;
  self: unknown;
  deep: { at: { last: Lock } };
} {
  const lock = new Lock();
  return { map: new Map([['locks', [lock]]]), set: new Set([lock]), self: 0, deep: { at: { last: lock } } };
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not reject');
}
