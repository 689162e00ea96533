/**
 * The cases of Process alone; numbers are those of the list of behaviours that Lockstep sets out
 * to meet. child.test.ts lists the omissions.
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterEach, describe, it } from 'node:test';
import { isMainThread, threadId } from 'node:worker_threads';
import {
  activeChildren,
  cpuCount,
  currentProcess,
  currentThread,
  Event,
  isMainProcess,
  Lock,
  Process,
  parentProcess,
  Thread,
} from 'lockstep';
import { runs } from '../support/processes.ts';
import { sandbox } from '../support/sandbox.ts';
import { until } from '../support/until.ts';
import ByDefault, * as subclasses from './subclasses.ts';
import * as targets from './targets.ts';

// A test that fails must not leave a child that waits forever.
afterEach(() => {
  for (const child of activeChildren()) {
    child.kill();
    child.joinSync();
  }
});

describe('Process', () => {
  it('100: the child has the pid that its parent sees, and knows its parent', async () => {
    const child = new Process({ target: targets.self });
    child.start();
    const seen = await child.result;
    assert.equal(seen.pid, child.pid);
    assert.notEqual(seen.pid, process.pid);
    assert.deepEqual(seen.parent, { pid: process.pid, name: 'MainProcess' });
    assert.deepEqual([seen.threadId, seen.thread, seen.daemon], [0, 'MainThread', false]);
    assert.equal(seen.isMainProcess, false);
    assert.deepEqual(seen.args, process.argv.slice(2));
  });

  it('the main program is MainProcess, has no parent, and is as many processors as it may use', () => {
    assert.equal(currentProcess().name, 'MainProcess');
    assert.equal(currentProcess().pid, process.pid);
    assert.equal(currentProcess(), currentProcess());
    assert.equal(currentThread().name, 'MainThread');
    assert.equal(currentThread().ident, 0);
    assert.equal(parentProcess(), null);
    assert.equal(isMainProcess, isMainThread && threadId === 0);
    assert.ok(cpuCount() >= 1 && cpuCount() <= availableParallelism());
  });

  it('X17: a child starts without children, and the names of its own children nest', async () => {
    const child = new Process({ target: targets.ownChild, args: ['process'] });
    child.start();
    const grandchild = await child.result;
    assert.match(child.name, /^Process-\d+$/);
    assert.equal(grandchild.process, `${child.name}:1`);
    assert.deepEqual(grandchild.parent, { pid: child.pid, name: child.name });
    assert.equal(grandchild.children, 0);
  });

  it('99: the active children are those that run, in the order of their start', async () => {
    const event = new Event();
    const children = [1, 2, 3].map(() => new Process({ target: targets.waitFor, args: [event] }));
    for (const child of children) child.start();
    assert.deepEqual(activeChildren(), children);
    children[1]!.kill();
    children[1]!.joinSync();
    assert.deepEqual(activeChildren(), [children[0], children[2]]);
    event.set();
    for (const child of children) child.joinSync();
    assert.deepEqual(activeChildren(), []);
  });

  it('105: exit codes count modulo 256', async () => {
    const codes = [0, 1, 255, 256, 300, -1];
    const children = codes.map((code) => new Process({ target: targets.exitWith, args: [code] }));
    for (const child of children) child.start();
    for (const child of children) await child.join();
    assert.deepEqual(
      children.map(({ exitCode }) => exitCode),
      [0, 1, 255, 0, 44, 255],
    );
  });

  it('108: a signal that ends the child gives its negative number', async () => {
    for (const [signal, code] of [
      ['SIGINT', -2],
      ['SIGKILL', -9],
      ['SIGTERM', -15],
    ] as const) {
      const ready = new Event();
      const child = new Process({ target: targets.announce, args: [ready] });
      child.start();
      await ready.wait();
      process.kill(child.pid!, signal);
      await child.join();
      assert.equal(child.exitCode, code);
    }
  });

  it('112: a daemon may not have children, but threads', async () => {
    const child = new Process({ target: targets.ownChild, args: ['process'], daemon: true });
    child.start();
    await assert.rejects(child.result, { code: 'ERR_LOCKSTEP_STATE', message: /is a daemon/ });
    const threaded = new Process({ target: targets.ownChild, args: ['thread'], daemon: true });
    threaded.start();
    const { process: processName, thread, daemon } = await threaded.result;
    assert.deepEqual([processName, thread, daemon], [threaded.name, 'Thread-1', false]);
  });

  it('103, X25: the object can’t be sent to a sibling', () => {
    const child = new Process({ target: targets.nothing });
    for (const args of [[child], [{ deep: [child] }]]) {
      const sibling = new Process({ target: targets.echo, args });
      assert.throws(() => sibling.start(), { code: 'ERR_LOCKSTEP_NOT_SENDABLE', message: /a Process/ });
    }
  });

  it('memory that only threads can share is refused, with its place', () => {
    for (const bytes of [new SharedArrayBuffer(8), new Int32Array(new SharedArrayBuffer(8))]) {
      const child = new Process({ target: targets.echo, args: [{ bytes }] });
      assert.throws(() => child.start(), {
        code: 'ERR_LOCKSTEP_NOT_SENDABLE',
        message: /args\[0\]\.bytes .*a SharedArrayBuffer.*send a SharedArray/,
      });
    }
  });

  it('120: a hundred short-lived children end with 0, and a hundred sleeping ones with -15', async () => {
    const batches = 10;
    for (let batch = 0; batch < batches; batch++) {
      const short = Array.from({ length: 10 }, () => new Process({ target: targets.nothing }));
      const ready = Array.from({ length: 10 }, () => new Event());
      const sleeping = ready.map((event) => new Process({ target: targets.announce, args: [event] }));
      for (const child of [...short, ...sleeping]) child.start();
      await until(() => ready.every((event) => event.isSet()), 'all to be ready');
      for (const child of sleeping) child.terminate();
      for (const child of [...short, ...sleeping]) await child.join();
      assert.deepEqual(new Set(short.map(({ exitCode }) => exitCode)), new Set([0]));
      assert.deepEqual(new Set(sleeping.map(({ exitCode }) => exitCode)), new Set([-15]));
    }
  });

  it('X21: a child has no more descriptors for having siblings', async () => {
    const count = async (): Promise<number> => {
      const child = new Process({ target: targets.descriptors });
      child.start();
      return child.result;
    };
    const alone = await count();
    const event = new Event();
    const siblings = Array.from({ length: 5 }, () => new Process({ target: targets.waitFor, args: [event] }));
    for (const sibling of siblings) sibling.start();
    assert.equal(await count(), alone);
    event.set();
    for (const sibling of siblings) await sibling.join();
  });

  it('X23: a signal that this process handles does not make joinSync return early', () => {
    const event = new Event();
    const handle = (): void => {};
    process.on('SIGUSR2', handle);
    try {
      const child = new Process({ target: targets.signalParent, args: [50, event] });
      child.start();
      assert.equal(child.joinSync(), true);
      assert.equal(child.exitCode, 0);
      assert.equal(event.isSet(), true);
    } finally {
      process.off('SIGUSR2', handle);
    }
  });

  it('a result of any size arrives, also by joinSync', async () => {
    const child = new Process({ target: targets.filled, args: [50_000_000] });
    child.start();
    assert.equal(child.joinSync(), true);
    const bytes = await child.result;
    assert.equal(bytes.length, 50_000_000);
    assert.equal(bytes.at(-1), 7);
  });

  it('leaves nothing in the folder of its namespace, whatever way it ends', async () => {
    const files = (): string[] =>
      readdirSync(sandbox, { recursive: true, encoding: 'utf8' }).filter((path) => /job|result/.test(path));
    const ready = new Event();
    const children: Process[] = [
      new Process({ target: targets.echo, args: [1] }),
      new Process({ target: targets.fail, args: ['x'] }),
      new Process({ target: targets.announce, args: [ready] }),
    ];
    for (const child of children) child.start();
    await ready.wait();
    children[2]!.kill();
    for (const child of children) await child.join();
    assert.deepEqual(files(), []);
    const early = new Process({ target: targets.nothing });
    early.start();
    early.kill();
    early.joinSync();
    assert.deepEqual(files(), []);
  });

  it('runs a subclass with its fields, without constructing it again', async () => {
    const lock = new Lock();
    lock.acquireSync();
    const child = new subclasses.SummingProcess([1, 2, 3], lock);
    child.start();
    assert.deepEqual(await child.result, {
      sum: 6,
      locked: true,
      isCurrent: true,
      name: 'summing',
      id: child.pid,
      constructed: 0,
      counted: 1,
    });
    await until(() => child.counted === 1, 'the listener of this side');
  });

  it('runs a subclass that is a default export, also when it was given a target', async () => {
    const byDefault = new ByDefault();
    byDefault.start();
    assert.equal(await byDefault.result, 'default');
    const both = new subclasses.WithTarget({ target: targets.nothing });
    both.start();
    assert.equal(await both.result, 'run was overridden');
  });

  it('an error in run is the child’s error', async () => {
    const child = new subclasses.FailingProcess();
    child.start();
    await assert.rejects(child.result, { message: 'in run' });
    assert.equal(child.exitCode, 1);
  });

  it('a subclass with a field that can’t be sent is refused, naming the field', () => {
    assert.throws(() => new subclasses.WithFunction().start(), {
      code: 'ERR_LOCKSTEP_NOT_SENDABLE',
      message: /this\.callback .*a function/,
    });
  });

  it('a thread can start processes, which die with it if they are daemons', async () => {
    const thread = new Thread({ target: targets.startDaemon });
    thread.start();
    const pid = await thread.result;
    await until(() => !runs(pid), 'the daemon’s end');
  });

  it('result names what ended a child without one', async () => {
    const child = new Process({ target: targets.endureForever });
    child.start();
    child.kill();
    await assert.rejects(child.result, {
      code: 'ERR_LOCKSTEP_WORKER_DIED',
      message: /^Process "Process-\d+": has no result, it was killed by signal 9; /,
    });
  });
});
