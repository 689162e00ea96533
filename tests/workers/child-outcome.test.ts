/**
 * Results of a child, a Process or a Thread: its result or its error, and its exit code;
 * numbers as in child.test.ts.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Event } from 'lockstep';
import { eachKind } from './each-kind.ts';
import * as targets from './targets.ts';

eachKind((make) => {
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

  it('an error behind a Proxy arrives as the error', async () => {
    const child = make({ target: targets.failBehindProxy, args: ['seen through'] });
    child.start();
    const got = await rejection(child.result);
    assert.equal(got.constructor, RangeError);
    assert.equal(got.message, 'seen through');
    assert.equal('cause' in got, false);
  });

  it('an error arrives, of which nothing can be read but its class', async () => {
    const child = make({ target: targets.failUnreadably });
    child.start();
    const got = await rejection(child.result);
    assert.deepEqual([got.constructor, got.name, got.message], [RangeError, 'RangeError', '']);
    assert.deepEqual([Object.keys(got), got.stack], [['kept'], '']);
    assert.equal(child.exitCode, 1);
  });

  it('an error outside the target’s own calls ends the child and rejects the result, too', async () => {
    const child = make({ target: targets.failLater, args: ['from a timer'] });
    child.start();
    await assert.rejects(child.result, { name: 'RangeError', message: 'from a timer' });
    assert.equal(child.exitCode, 1);
  });

  it('a result that nobody reads is not an unhandled rejection', async () => {
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
});

async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not reject');
}
