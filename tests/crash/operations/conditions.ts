/**
 * Condition: a notification given to a waiter that dies before it has the lock again goes to the
 * next, and to one only. A notifier that dies in between has notified some or none.
 */

import assert from 'node:assert/strict';
import { Condition, Event, Lock } from 'lockstep';
import { waitersFor } from '../../support/internals.ts';
import { until } from '../../support/until.ts';
import type { Member } from '../crew.ts';
import { type Operation, operation, type Suite } from '../operation.ts';
import type { Death, Scene } from '../scene.ts';

const NOTIFIED_SHIFT = 15;
const WAITING_MASK = 0x7fff;

export const conditions: Suite = [
  ...['waitSync', 'wait'].flatMap((form) => [...inForm(form)]),
  operation('Condition.wait, aborted when it was just notified', 8, async (scene) => {
    const condition = scene.share(new Condition());
    const gate = scene.share(new Event());
    await scene.victim.call(condition, 'acquireSync');
    const crash = scene.crash(condition, 'wait', '@signal');
    // While its thread is blocked it can't take the notification, and then it aborts first.
    scene.victim.order('waitAndAbort', gate).catch(() => {});
    await scene.untilVictimWaits(gate);
    await notifies(condition, 1);
    const other = await waits(scene, scene.first, condition, 'waitSync');
    const forNobody = wasForNobody(condition, scene.victim, scene.first);
    gate.set();
    const death = await crash;
    assert.ok(!forNobody || !death.completed, 'the notification was lost');
    assert.equal(await notTaken(condition), forNobody ? 1 : 0, 'waiters left');
    if (forNobody) await notifies(condition, 1);
    await other.done;
    await isUsable(scene, condition, { ...death, error: undefined });
  }),
];

function* inForm(wait: string): Iterable<Operation> {
  yield operation(`Condition.${wait}, notified`, 8, async (scene) => {
    const condition = scene.share(new Condition());
    await scene.victim.call(condition, 'acquireSync');
    const crash = scene.crash(condition, wait);
    await scene.untilVictimWaits(condition);
    const behind = await waits(scene, scene.first, condition, wait);
    await notifies(condition, 1);
    const death = await crash;
    // It has used the notification up only when it has come back with the lock.
    assert.equal(await notTaken(condition), death.completed ? 1 : 0, 'waiters left');
    if (death.completed) await notifies(condition, 1);
    await behind.done;
    await isUsable(scene, condition, death);
  });
  yield operation(`Condition.${wait}, timed out`, 8, async (scene) => {
    const condition = scene.share(new Condition(new Lock()));
    await scene.victim.call(condition, 'acquireSync');
    const death = await scene.crash(condition, wait, { timeout: 2 });
    assert.equal(death.value ?? false, false);
    const next = await waits(scene, scene.first, condition, wait);
    await notifies(condition, 1);
    await next.done;
    await isUsable(scene, condition, death);
  });
  for (const all of [false, true]) {
    const method = all ? 'notifyAll' : 'notify';
    yield operation(`Condition.${method}, with two waiters in ${wait}`, 4, async (scene) => {
      const condition = scene.share(all ? new Condition() : new Condition(new Lock()));
      const older = await waits(scene, scene.first, condition, wait);
      const younger = await waits(scene, scene.second, condition, wait);
      await scene.victim.call(condition, 'acquireSync');
      const death = await scene.crash(condition, method);
      const left = await notTaken(condition);
      if (death.completed) assert.equal(left, all ? 0 : 1, 'waiters left');
      else assert.ok(left >= (all ? 0 : 1), `waiters left: ${left}`);
      if (left > 0) await notifies(condition, left);
      await Promise.all([older.done, younger.done]);
      await isUsable(scene, condition, death);
    });
  }
}

/**
 * Resolves once the member waits, to what resolves once it is notified and has given the lock back.
 */
async function waits(
  scene: Scene,
  member: Member,
  condition: Condition,
  wait: string,
): Promise<{ done: Promise<void> }> {
  await scene.progress(member.call(condition, 'acquireSync'), 'the lock of the condition');
  const done = scene
    .progress(member.call(condition, wait), wait)
    .then(() => member.call(condition, 'release'))
    .then(() => {});
  let over = false;
  const end = (): void => {
    over = true;
  };
  done.then(end, end);
  // A notification of a dead waiter may be handed to it at once.
  const isThere = (): boolean =>
    over || waitersFor(condition).some(({ pid, detail }) => pid === member.pid && waitingIn(detail) > 0);
  await until(isThere, 'a survivor to wait');
  return { done };
}

async function notifies(condition: Condition, count: number): Promise<void> {
  const hold = await condition.acquire();
  condition.notify(count);
  hold.release();
}

/**
 * Whether the victim's notification is gone and the other, who has come since, waits without one.
 * The victim may die at any moment from when it blocks: if it is cleared up after before the other
 * has come, nobody waits to whom its notification could go.
 */
function wasForNobody(condition: Condition, victim: Member, other: Member): boolean {
  const detailOf = ({ pid }: Member): number =>
    waitersFor(condition).find((waiter) => waiter.pid === pid)?.detail ?? 0;
  // Look at the victim's first: its notifications pass to the other waiter before they are struck
  // off here.
  if (notifiedIn(detailOf(victim)) > 0) return false;
  const detail = detailOf(other);
  return waitingIn(detail) > 0 && notifiedIn(detail) === 0;
}

/** How many still wait when all that are notified have gone. */
async function notTaken(condition: Condition): Promise<number> {
  await until(() => counts(condition).notified === 0, 'all notifications to be taken');
  return counts(condition).waiting;
}

function counts(condition: Condition): { waiting: number; notified: number } {
  let waiting = 0;
  let notified = 0;
  for (const { detail } of waitersFor(condition)) {
    waiting += waitingIn(detail);
    notified += notifiedIn(detail);
  }
  return { waiting, notified };
}

function notifiedIn(detail: number): number {
  return detail >> NOTIFIED_SHIFT;
}

function waitingIn(detail: number): number {
  return detail & WAITING_MASK;
}

/** A newcomer can wait and give up, and wait and be notified. */
async function isUsable(scene: Scene, condition: Condition, death: Death): Promise<void> {
  assert.equal(death.error, undefined, 'the operation failed');
  assert.deepEqual(counts(condition), { waiting: 0, notified: 0 });
  const { newcomer } = scene;
  await scene.progress(newcomer.call(condition, 'acquireSync'), 'the lock of the condition');
  assert.equal(await newcomer.call(condition, 'waitSync', { timeout: 1 }), false);
  await newcomer.call(condition, 'release');
  const waiter = await waits(scene, newcomer, condition, 'waitSync');
  await notifies(condition, 1);
  await waiter.done;
  assert.equal(condition.locked, false);
}
