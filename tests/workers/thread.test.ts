/** The cases of Thread alone; numbers as in child.test.ts. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Event, Lock, Thread } from 'lockstep';
import { until } from '../support/until.ts';
import * as subclasses from './subclasses.ts';
import * as targets from './targets.ts';

describe('Thread', () => {
  it('lives in this process, and has the number that its parent sees', async () => {
    const thread = new Thread({ target: targets.self });
    thread.start();
    const seen = await thread.result;
    assert.equal(seen.pid, process.pid);
    assert.equal(seen.threadId, thread.ident);
    assert.deepEqual([seen.process, seen.thread, seen.parent], ['MainProcess', thread.name, undefined]);
    assert.equal(seen.isMainProcess, false);
  });

  it('is a daemon if the thread is one that makes it', async () => {
    const thread = new Thread({ target: targets.ownChild, args: ['thread'], daemon: true });
    thread.start();
    const seen = await thread.result;
    assert.equal(seen.daemon, true);
    assert.notEqual(seen.thread, thread.name);
  });

  it('93: process.exit in a thread ends that thread only, silently', async () => {
    const thread = new Thread({ target: targets.exitWith, args: [300] });
    thread.start();
    await thread.join();
    assert.equal(thread.exitCode, 300);
  });

  it('shares SharedArrayBuffers with its parent', async () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    const thread = new Thread({ target: targets.fill, args: [words, 42] });
    thread.start();
    thread.joinSync();
    assert.equal(words[0], 42);
  });

  it('shares the environment', async () => {
    const thread = new Thread({ target: targets.setVariable, args: ['LOCKSTEP_TEST_VARIABLE', 'set'] });
    thread.start();
    await thread.join();
    assert.equal(process.env.LOCKSTEP_TEST_VARIABLE, 'set');
    delete process.env.LOCKSTEP_TEST_VARIABLE;
  });

  it('runs a subclass with its fields, without constructing it again', async () => {
    const thread = new subclasses.SummingThread([4, 5], new Lock());
    thread.start();
    assert.deepEqual(await thread.result, {
      sum: 9,
      locked: false,
      isCurrent: true,
      name: 'summing',
      id: thread.ident,
      constructed: 0,
      counted: 1,
    });
  });

  it('joinSync sees the end of a thread that is terminated while it blocks', () => {
    const ready = new Event();
    const thread = new Thread({ target: targets.holdForever, args: [new Lock(), ready] });
    thread.start();
    ready.waitSync();
    assert.equal(thread.joinSync(30), false);
    thread.terminate();
    assert.equal(thread.joinSync(), true);
    assert.equal(thread.exitCode, 1);
  });

  it('a thread that is terminated at once ends without running its target', async () => {
    for (const wait of [(thread: Thread) => thread.join(), (thread: Thread) => thread.joinSync()]) {
      for (const daemon of [false, true]) {
        const words = new Int32Array(new SharedArrayBuffer(4));
        const thread = new Thread({ target: targets.fill, args: [words, 42], daemon });
        thread.start();
        thread.terminate();
        thread.kill();
        assert.equal(await wait(thread as Thread), true);
        assert.deepEqual([thread.exitCode, words[0]], [1, 0]);
        await assert.rejects(thread.result, { code: 'ERR_LOCKSTEP_WORKER_DIED' });
      }
    }
  });

  it('threads may be terminated at any moment of their start', async () => {
    // From before the thread runs until after its target has ended.
    for (let milliseconds = 0; milliseconds < 80; milliseconds += 2) {
      const thread = new Thread({ target: targets.spinForever });
      thread.start();
      await sleep(milliseconds);
      thread.terminate();
      assert.equal(await thread.join(), true);
      assert.equal(thread.exitCode, 1);
    }
  });

  it('a thread whose module never ends loading is terminated all the same', async () => {
    const target = { module: new URL('./fixtures/blocked.js', import.meta.url), export: 'run' };
    for (const wait of [(thread: Thread) => thread.join(), (thread: Thread) => thread.joinSync()]) {
      const thread = new Thread({ target });
      thread.start();
      await until(() => process.env.LOCKSTEP_TEST_VARIABLE === 'loading', 'the module to run');
      delete process.env.LOCKSTEP_TEST_VARIABLE;
      thread.terminate();
      assert.equal(await wait(thread), true);
      assert.equal(thread.exitCode, 1);
    }
  });

  it('a hundred threads start and end', async () => {
    const threads = Array.from({ length: 100 }, (_, n) => new Thread({ target: targets.add, args: [n, 1] }));
    for (let from = 0; from < threads.length; from += 10) {
      const some = threads.slice(from, from + 10);
      for (const thread of some) thread.start();
      assert.deepEqual(
        await Promise.all(some.map(({ result }) => result)),
        some.map((_, n) => from + n + 1),
      );
    }
  });
});
