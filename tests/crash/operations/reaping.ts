/**
 * The reaper dies while it clears up after another dead agent: the next one finishes, and nothing
 * is done too often.
 */

import assert from 'node:assert/strict';
import { Barrier, BoundedSemaphore, Condition, Lock, RLock } from 'lockstep';
import { nameNobody } from '../../support/internals.ts';
import { until, untilWaiting } from '../../support/until.ts';
import type { SharedObject } from '../../support/wire.ts';
import type { Member } from '../crew.ts';
import { NAMESPACE, operation, type Suite } from '../operation.ts';
import type { Scene } from '../scene.ts';

const options = { namespace: NAMESPACE };

export const reaping: Suite = [
  operation('reaping an agent that has something of everything', 60, async (scene) => {
    const lock = scene.share(new Lock(options));
    const semaphore = scene.share(new BoundedSemaphore(2, options));
    const barrier = scene.share(new Barrier(3, options));
    const condition = scene.share(new Condition(undefined, options));
    const { first, second, newcomer } = scene;

    // The one that is reaped: it holds, sits and waits, and has just been notified.
    const dead = await scene.program();
    await dead.call(lock, 'acquireSync');
    for (let permit = 0; permit < 2; permit++) await dead.call(semaphore, 'acquireSync');
    await dead.order('new', 'Lock', { ...options, name: 'its own' });
    dead.call(barrier, 'wait').catch(() => {});
    await dead.call(condition, 'acquireSync');
    dead.call(condition, 'wait').catch(() => {});
    await untilWaiting(barrier, 1);
    await untilWaiting(condition, 1);
    // A call is seen waiting before it has given up the lock: stopped in between, it would keep it.
    // This program must not await it: it would go on watching the dead one for a while, and be the
    // one that looks after it.
    await until(() => !condition.locked, 'the condition to be given up');
    const hold = condition.acquireSync();
    await dead.freeze();
    condition.notify();
    hold.release();

    // The waiters for its objects. They must not be the agents that reap it.
    const broken = first
      .call(barrier, 'waitSync')
      .catch((error: Error) => Reflect.get(error, 'code') as unknown);
    await until(() => barrier.nWaiting === 2, 'a second seat to be taken');
    await second.call(condition, 'acquireSync');
    const notified = second.call(condition, 'waitSync');
    notified.catch(() => {});
    await untilWaiting(condition, 2);
    await until(() => !condition.locked, 'the condition to be given up');
    await Promise.all([first, second].map((member) => member.freeze()));

    // The victim finds it dead when it wants the lock.
    await scene.victim.call(lock, 'describe');
    await dead.kill();
    const death = await scene.crash(lock, 'acquireSync');
    assert.deepEqual(death.value ?? { recovered: true }, { recovered: true });
    for (const member of [first, second]) member.thaw();

    assert.equal(await scene.progress(broken, 'the barrier to break'), 'ERR_LOCKSTEP_BROKEN_BARRIER');
    assert.equal(await scene.progress(notified, 'the notification'), true);
    await second.call(condition, 'release');
    assert.equal(await scene.pass(newcomer, lock), true, 'not told of the recovery');
    assert.equal(await scene.pass(first, lock), false);
    for (let permit = 0; permit < 2; permit++)
      await scene.progress(newcomer.call(semaphore, 'acquireSync'), 'a permit');
    assert.equal(await newcomer.call(semaphore, 'acquireSync', { timeout: 1 }), null);
    assert.equal(await scene.pass(newcomer, condition.lock), false);
  }),
  operation('reaping an agent that holds an object of a kind unknown here', 30, async (scene) => {
    const lock = scene.share(new Lock(options));
    const unknown = scene.share(new RLock(options));
    const { first, victim, newcomer } = scene;
    const dead = await holderOf(scene, lock, unknown);
    await victim.call(lock, 'describe');
    await victim.order('forgetKind', 'RLock');
    await dead.kill();

    // The victim clears up what it knows, and leaves the slot to others.
    const death = await scene.crash(lock, 'acquireSync');
    assert.deepEqual(death.value ?? { recovered: true }, { recovered: true });
    assert.equal(await scene.pass(newcomer, lock), true, 'not told of the recovery');
    assert.equal(await scene.pass(first, unknown), true, 'not told of the recovery');
    assert.equal(await scene.pass(newcomer, unknown), false);
    assert.equal(await scene.pass(first, lock), false);
  }),
  operation('reaping what another has left of a dead agent', 30, async (scene) => {
    const lock = scene.share(new Lock(options));
    const unknown = scene.share(new RLock(options));
    const { first, victim, newcomer } = scene;
    const dead = await holderOf(scene, lock, unknown);
    const lacking = await scene.program();
    await lacking.order('forgetKind', 'RLock');
    await lacking.call(lock, 'describe');
    await victim.call(unknown, 'describe');
    await dead.kill();
    assert.equal(await scene.pass(lacking, lock), true, 'it did not look after the dead one');
    // The next member that can finishes its work, unless the victim comes first.
    await lacking.kill();

    const death = await scene.crash(unknown, 'acquireSync');
    assert.deepEqual(death.value ?? { recovered: true }, { recovered: true });
    assert.equal(await scene.pass(first, unknown), true, 'not told of the recovery');
    assert.equal(await scene.pass(newcomer, unknown), false);
    assert.equal(await scene.pass(newcomer, lock), false);
  }),
  ...['tryAcquire', 'acquireSync'].map((acquire) =>
    operation(`Lock.${acquire}, whose word names a slot in which nobody sits`, 8, async (scene) => {
      const lock = scene.share(new Lock(options));
      await scene.victim.call(lock, 'describe');
      nameNobody(lock);
      const death = await scene.crash(lock, acquire);
      assert.deepEqual(death.value, death.completed ? { recovered: true } : undefined);
      assert.equal(await scene.pass(scene.first, lock), true, 'not told of the recovery');
      assert.equal(await scene.pass(scene.newcomer, lock, 'tryAcquire'), false);
    }),
  ),
];

/** A program that holds both, and can be killed by itself. */
async function holderOf(scene: Scene, ...held: readonly SharedObject[]): Promise<Member> {
  const holder = await scene.program();
  for (const object of held) await holder.call(object, 'acquireSync');
  return holder;
}
