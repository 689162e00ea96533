/** Deadline: a timeout and a signal as one moment, checked once. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load } from '../support/internals.ts';

const { Deadline, checkMilliseconds }: typeof import('../../src/deadline.ts') = await load('deadline.js');
const INVALID = { name: 'TypeError', code: 'ERR_LOCKSTEP_INVALID_TYPE' };
const wrong = (value: unknown): never => value as never;

describe('a Deadline', () => {
  it('without a limit is one and the same object', () => {
    for (const options of [undefined, {}, { timeout: Number.POSITIVE_INFINITY }, { timeout: undefined }]) {
      const deadline = Deadline.from(options);
      assert.equal(deadline, Deadline.NEVER);
      assert.deepEqual([deadline.unlimited, deadline.timed, deadline.expired], [true, false, false]);
      assert.equal(deadline.remaining, Number.POSITIVE_INFINITY);
    }
  });

  it('of 0 or less has expired at once, and has nothing left', () => {
    for (const timeout of [0, -0, -1, Number.NEGATIVE_INFINITY]) {
      const deadline = Deadline.from({ timeout });
      assert.deepEqual([deadline.expired, deadline.remaining, deadline.timed], [true, 0, true]);
    }
  });

  it('counts down and never starts again', () => {
    const deadline = Deadline.from({ timeout: 60_000 });
    const first = deadline.remaining;
    assert.ok(first > 0 && first <= 60_000);
    assert.ok(deadline.remaining <= first);
    assert.equal(deadline.expired, false);
  });

  it('with a signal alone is not timed, and not without a limit', () => {
    const { signal } = new AbortController();
    const deadline = Deadline.from({ signal });
    assert.deepEqual([deadline.unlimited, deadline.timed, deadline.signal], [false, false, signal]);
  });

  it('of a signal that is aborted throws its reason where the wait begins', () => {
    const reason = new Error('no more');
    const signal = AbortSignal.abort(reason);
    assert.throws(() => Deadline.begin({ signal }), reason);
    assert.throws(() => Deadline.from({ signal }).throwIfAborted(), reason);
  });

  it('refuses what is no number, no signal, no object and no policy', () => {
    for (const timeout of [Number.NaN, '5', 5n, {}, null])
      assert.throws(() => Deadline.from({ timeout: wrong(timeout) }), INVALID);
    for (const signal of [{}, 'signal', null])
      assert.throws(() => Deadline.from({ signal: wrong(signal) }), INVALID);
    for (const options of [null, 5, 'soon']) assert.throws(() => Deadline.from(wrong(options)), INVALID);
    assert.throws(() => Deadline.from({ deadlock: wrong('maybe') }), INVALID);
    assert.throws(() => checkMilliseconds('claim', Number.NaN), /^TypeError.*claim: refused|claim: refused/);
  });
});
