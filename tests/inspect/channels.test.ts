/**
 * Channels of node:diagnostics_channel: the messages that monitors get about waits, deadlocks and
 * deaths.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { DeadlockError, Event, Lock, Process, RWLock } from 'lockstep';
import { until, untilWaiting } from '../support/until.ts';
import { holdIdle, write } from './members.ts';

type Heard = [channel: string, message: Record<string, unknown>];

/** Listens to the channels while `act` runs; returns what was heard. */
async function hearing(names: readonly string[], act: () => void | Promise<void>): Promise<Heard[]> {
  const heard: Heard[] = [];
  const listen = (message: unknown, name: string | symbol): void => {
    heard.push([String(name), message as Record<string, unknown>]);
  };
  for (const name of names) subscribe(name, listen);
  try {
    await act();
  } finally {
    for (const name of names) unsubscribe(name, listen);
  }
  return heard;
}

const REQUEST = ['start', 'grant', 'miss', 'end'].map((each) => `lockstep.request.${each}`);
const steps = (heard: readonly Heard[]): string[] =>
  heard.map(([name]) => name.replace('lockstep.request.', ''));

test('a call that waits is reported from its start to its end, a call that does not wait is not', async () => {
  const lock = new Lock({ name: 'heard' });
  const heard = await hearing(REQUEST, async () => {
    const first = await lock.acquire();
    const second = lock.acquire();
    await untilWaiting(lock, 1);
    first.release();
    (await second).release();
    lock.acquireSync().release();
  });
  assert.deepEqual(steps(heard), ['start', 'grant', 'end']);
  const [start, grant, end] = heard.map(([, message]) => message);
  const common = { name: 'heard', kind: 'Lock', mode: 'exclusive', blocking: false, error: undefined };
  for (const message of [start, grant, end]) {
    const { folder, cell, waited, ...rest } = message!;
    assert.deepEqual(rest, common);
    assert.match(String(folder), /\.default$/);
    assert.equal(typeof cell, 'number');
    assert.ok((waited as number) >= 0);
  }
  assert.equal(start?.waited, 0);
  lock.close();
});

test('a time that passes is a miss, a signal an error, a blocked reader shared', async () => {
  const event = new Event();
  const timed = await hearing(REQUEST, async () => assert.equal(await event.wait({ timeout: 5 }), false));
  assert.deepEqual(steps(timed), ['start', 'miss', 'end']);
  assert.ok((timed[2]![1].waited as number) >= 4);
  const blocked = await hearing(REQUEST, () => assert.equal(event.waitSync({ timeout: 5 }), false));
  assert.deepEqual(steps(blocked), ['start', 'miss', 'end']);
  assert.equal(blocked[0]![1].blocking, true);
  const controller = new AbortController();
  const aborted = await hearing(REQUEST, async () => {
    const wait = event.wait({ signal: controller.signal });
    controller.abort('enough');
    await assert.rejects(wait, (reason) => reason === 'enough');
  });
  assert.deepEqual(steps(aborted), ['start', 'end']);
  assert.equal(aborted[1]![1].error, 'enough');
  const rwlock = new RWLock();
  const writer = new Process({ target: write, args: [rwlock] });
  writer.start();
  await until(() => rwlock.describe().writer !== null, 'somebody writes');
  const reading = await hearing(REQUEST, async () => {
    assert.equal((await rwlock.read.acquire({ timeout: 5 })) === null, true);
  });
  assert.deepEqual(steps(reading), ['start', 'miss', 'end']);
  assert.equal(reading[0]![1].mode, 'shared');
  writer.kill();
  await writer.join();
  event.close();
  rwlock.close();
});

test('a deadlock, a death and a recovery are reported where they are found', async () => {
  const lock = new Lock({ label: 'inherited' });
  const child = new Process({ target: holdIdle, args: [lock], name: 'dies' });
  child.start();
  await until(() => lock.locked, 'the child holds the lock');
  const heard = await hearing(['lockstep.agent.died', 'lockstep.recovered'], async () => {
    const next = lock.acquire();
    process.kill(child.pid!, 'SIGKILL');
    const hold = await next;
    assert.equal(hold.recovered, true);
    hold.release();
  });
  assert.deepEqual(
    heard.map(([name, { name: who }]) => [name, who]),
    [
      ['lockstep.agent.died', 'dies'],
      ['lockstep.recovered', 'inherited'],
    ],
  );
  assert.equal(heard[0]![1].pid, child.pid);
  await child.join();
  lock.acquireSync();
  const refused = await hearing(['lockstep.deadlock'], () => {
    assert.throws(() => lock.acquireSync(), DeadlockError);
  });
  assert.equal(refused.length, 1);
  const { error, members } = refused[0]![1];
  assert.ok(error instanceof DeadlockError);
  assert.equal(members, error.cycle);
  lock.release();
  lock.close();
});

test('what a listener throws does not reach the call', async () => {
  const lock = new Lock();
  const thrown: unknown[] = [];
  const note = (error: unknown): void => void thrown.push(error);
  process.setUncaughtExceptionCaptureCallback(note);
  const fails = (): void => {
    throw new Error('of the listener');
  };
  subscribe('lockstep.request.start', fails);
  try {
    const hold = lock.acquireSync();
    assert.equal(lock.acquireSync({ timeout: 1, deadlock: 'ignore' }), null);
    hold.release();
    await until(() => thrown.length === 1, 'the error is uncaught');
  } finally {
    unsubscribe('lockstep.request.start', fails);
    process.setUncaughtExceptionCaptureCallback(null);
  }
  lock.close();
});
