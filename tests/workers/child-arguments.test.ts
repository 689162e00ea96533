/**
 * Arguments of a child, a Process or a Thread: its target and its arguments; numbers as in
 * child.test.ts.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Lock } from 'lockstep';
import { eachKind } from './each-kind.ts';
import * as targets from './targets.ts';

eachKind((make, kind) => {
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
});

function onlyHere(): {
  map: Map<string, Lock[]>;
  set: Set<Lock>;
  self: unknown;
  deep: { at: { last: Lock } };
} {
  const lock = new Lock();
  return { map: new Map([['locks', [lock]]]), set: new Set([lock]), self: 0, deep: { at: { last: lock } } };
}
