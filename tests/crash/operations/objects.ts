/**
 * Objects themselves: made, opened, named, closed. Whichever process dies in between, no cell is
 * lost, no name stands for nothing, and held objects become free.
 */

import assert from 'node:assert/strict';
import { Barrier, BoundedSemaphore, Event, Lock, Value } from 'lockstep';
import { cellsInUse } from '../../support/internals.ts';
import { untilWaiting } from '../../support/until.ts';
import { NAMESPACE, operation, type Suite } from '../operation.ts';
import type { Scene } from '../scene.ts';

/**
 * Cells freed last are taken first: so many are made afterwards that all that the victim touched
 * are used again.
 */
const AGAIN = 12;
/** Cells of the first segment. */
const FIRST_SEGMENT = 1024;
const NAMED = { name: 'invoices', namespace: NAMESPACE };

let growing = 0;

const constructors: [name: string, ...args: unknown[]][] = [
  ['Lock'],
  ['RLock'],
  ['Semaphore', 3],
  ['BoundedSemaphore', 10],
  ['Condition'],
  ['Event'],
  ['Barrier', 3, { timeout: 1000 }],
  ['Value', 'i32', 1],
];

export const objects: Suite = [
  ...constructors.map(([name, ...args]) =>
    operation(`new ${name}(${args[0] ?? ''})`, 5, async (scene) => {
      await scene.victim.order('new', 'Event'); // So that it has joined.
      const death = await scene.crashIn('new', name, ...args);
      assert.equal(death.error, undefined);
      reuseCells();
    }),
  ),
  operation('new Lock(), where the memory must grow', 8, async (scene) => {
    const namespace = `grow-${++growing}`;
    await scene.victim.order('new', 'Event', { namespace });
    const locks = Array.from({ length: FIRST_SEGMENT - 1 }, () => scene.share(new Lock({ namespace })));
    const death = await scene.crashIn('new', 'Lock', { namespace });
    assert.equal(death.error, undefined);
    for (let i = 0; i < 3; i++) await isUsable(scene, scene.share(new Lock({ namespace })));
    assert.equal(cellsInUse(locks[0] as Lock), FIRST_SEGMENT + 2);
  }),
  operation('Value.add', 2, async (scene) => {
    const value = scene.share(new Value('i32', 5));
    const death = await scene.crash(value, 'add', 3);
    assert.equal(value.value, death.completed ? 8 : 5);
  }),
  operation('open(handle)', 3, async (scene) => {
    const lock = scene.share(new Lock());
    await scene.victim.order('new', 'Event');
    const death = await scene.crashIn('open', lock.handle);
    assert.equal(death.error, undefined);
    await isUsable(scene, lock);
    reuseCells();
  }),
  operation('open(handle) of an object that is gone', 3, async (scene) => {
    const lock = new Lock();
    const { handle } = lock;
    lock.close();
    await scene.victim.order('new', 'Event');
    const death = await scene.crashIn('open', handle);
    assert.equal(death.error?.code, death.completed ? 'ERR_LOCKSTEP_STALE_HANDLE' : undefined);
    reuseCells();
  }),
  operation('close(), others have it open', 3, async (scene) => {
    const lock = scene.share(new Lock());
    await scene.crash(lock, 'close');
    await isUsable(scene, lock);
    reuseCells();
  }),
  ...['Lock', 'BoundedSemaphore'].map((name) =>
    operation(`close() of a ${name}, as the last`, 6, async (scene) => {
      const object = name === 'Lock' ? new Lock() : new BoundedSemaphore(10);
      await scene.victim.order('open', object.handle);
      object.close();
      const death = await scene.crashIn('closeKept');
      assert.equal(death.error, undefined);
      reuseCells();
    }),
  ),
  operation('close() of a Lock that is held, with a waiter', 6, async (scene) => {
    const lock = scene.share(new Lock());
    await scene.victim.call(lock, 'acquireSync');
    const next = scene.pass(scene.first, lock);
    await untilWaiting(lock, 1);
    await scene.crash(lock, 'close');
    assert.equal(await next, true, 'not told of the recovery');
    await isUsable(scene, lock);
  }),
  operation('close() of a Barrier in which it sits, with a waiter', 5, async (scene) => {
    const barrier = scene.share(new Barrier(3));
    const other = scene.first.call(barrier, 'waitSync').catch((error: Error) => Reflect.get(error, 'code'));
    void scene.victim.call(barrier, 'wait').catch(() => {});
    await untilWaiting(barrier, 2);
    await scene.crash(barrier, 'close');
    assert.equal(await scene.progress(other, 'the other'), 'ERR_LOCKSTEP_BROKEN_BARRIER');
    assert.equal(barrier.broken, true);
  }),
  operation('Event.wait, the 23rd at once', 8, async (scene) => {
    const events = Array.from({ length: 23 }, () => scene.share(new Event()));
    const last = events.pop() as Event;
    for (const event of events) void scene.victim.call(event, 'wait').catch(() => {});
    const crash = scene.crash(last, 'wait');
    await scene.untilVictimWaits(last);
    last.set();
    await crash;
    reuseCells();
  }),
  operation('new Lock({ name }), the first of that name', 8, async (scene) => {
    await scene.victim.order('new', 'Event', { namespace: NAMESPACE });
    const death = await scene.crashIn('new', 'Lock', NAMED);
    assert.equal(death.error, undefined);
    await isOneAndTheSame(scene);
  }),
  operation('new Lock({ name }), known already', 4, async (scene) => {
    const lock = scene.share(new Lock(NAMED));
    await scene.victim.order('new', 'Event', { namespace: NAMESPACE });
    const death = await scene.crashIn('new', 'Lock', NAMED);
    assert.equal(death.error, undefined);
    await isOneAndTheSame(scene);
    await isUsable(scene, lock);
  }),
  operation('close() of a named Lock, as the last', 5, async (scene) => {
    const lock = new Lock(NAMED);
    await scene.victim.order('open', lock.handle);
    lock.close();
    const death = await scene.crashIn('closeKept');
    assert.equal(death.error, undefined);
  }),
];

function reuseCells(): void {
  const made = Array.from({ length: AGAIN }, () => new Lock());
  for (const lock of made) lock.close();
}

async function isUsable(scene: Scene, lock: Lock): Promise<void> {
  assert.equal(await scene.pass(scene.newcomer, lock), false);
  assert.equal(await scene.pass(scene.second, lock), false);
}

/** All members that ask for the name get the same lock. */
async function isOneAndTheSame(scene: Scene): Promise<void> {
  const lock = scene.share(new Lock(NAMED));
  assert.equal(await scene.newcomer.order('new', 'Lock', NAMED), lock.handle);
  await isUsable(scene, lock);
}
