/**
 * Semaphore and BoundedSemaphore. Of a semaphore a permit that the dead one had taken is lost, as
 * it has no owner, and no other; of a bounded one all come back.
 */

import assert from 'node:assert/strict';
import { BoundedSemaphore, Semaphore } from 'lockstep';
import { sleeps } from '../../support/internals.ts';
import { until, untilWaiting, waiting } from '../../support/until.ts';
import { type Operation, operation, type Suite } from '../operation.ts';
import type { Death, Scene } from '../scene.ts';

/** More permits than anybody waits for, so that their number tells whether one was taken. */
const MANY = 10;
const forms = [
  { acquire: 'acquireSync', run: 'runSync' },
  { acquire: 'acquire', run: 'run' },
];

export const semaphores: Suite = [
  operation('Semaphore.tryAcquire, none free', 2, async (scene) => {
    const semaphore = scene.share(new Semaphore(0));
    await hasPermits(scene, semaphore, await scene.crash(semaphore, 'tryAcquire'), 0);
  }),
  operation('Semaphore.release(1), nobody waits', 2, async (scene) => {
    const semaphore = scene.share(new Semaphore(0));
    const death = await scene.crash(semaphore, 'release');
    await hasPermits(scene, semaphore, death, Number(death.state.value));
    assert.ok(!death.completed || death.state.value === 1);
  }),
  ...forms.flatMap((form) => [...ofSemaphore(form)]),
];

export const boundedSemaphores: Suite = [
  operation('BoundedSemaphore.tryAcquire, none free', 2, async (scene) => {
    const semaphore = scene.share(new BoundedSemaphore(1));
    const hold = semaphore.tryAcquire();
    const death = await scene.crash(semaphore, 'tryAcquire');
    hold?.release();
    await allBack(scene, semaphore, death);
  }),
  operation('BoundedSemaphore.release(1), nobody waits', 2, async (scene) => {
    const semaphore = scene.share(new BoundedSemaphore(2));
    await scene.victim.call(semaphore, 'acquireSync');
    await scene.victim.call(semaphore, 'acquireSync');
    await allBack(scene, semaphore, await scene.crash(semaphore, 'release'));
  }),
  ...forms.flatMap((form) => [...ofBounded(form)]),
];

function* ofSemaphore({ acquire, run }: { acquire: string; run: string }): Iterable<Operation> {
  yield operation(`Semaphore.${acquire}, free`, 2, async (scene) => {
    const semaphore = scene.share(new Semaphore(1));
    const death = await scene.crash(semaphore, acquire);
    await hasPermits(scene, semaphore, death, Number(death.state.value));
    assert.ok(!death.completed || death.state.value === 0);
  });
  yield operation(`Semaphore.${run}, free`, 2, async (scene) => {
    const semaphore = scene.share(new Semaphore(1));
    const death = await scene.crash(semaphore, run, '@function');
    await hasPermits(scene, semaphore, death, Number(death.state.value));
    assert.ok(!death.completed || death.state.value === 1);
  });
  yield operation(`Semaphore.${acquire}, contended`, 5, async (scene) => {
    const semaphore = scene.share(new Semaphore(0));
    const crash = scene.crash(semaphore, acquire);
    await scene.untilVictimWaits(semaphore);
    semaphore.release(MANY);
    const death = await crash;
    // It died before the permits were there, or it saw them.
    const left = Number(death.state.value) || MANY;
    await hasPermits(scene, semaphore, death, left);
    assert.ok(death.completed ? left === MANY - 1 : left >= MANY - 1);
  });
  yield operation(`Semaphore.${acquire}, contended, with a waiter behind`, 5, async (scene) => {
    const semaphore = scene.share(new Semaphore(0));
    const crash = scene.crash(semaphore, acquire);
    await scene.untilVictimWaits(semaphore);
    let served = false;
    const behind = scene.progress(scene.first.call(semaphore, acquire), `${acquire} behind the victim`);
    void behind.then(() => {
      served = true;
    });
    await scene.untilVictimWaits(semaphore, 1);
    semaphore.release();
    const death = await crash;
    // Either the permit went to the one behind, or the victim had taken it.
    await until(() => served || semaphore.value === 0, 'the permit to be taken');
    // A thread that has just taken it is seen waiting for a moment longer: until it does something
    // else, or sleeps again.
    const { first } = scene;
    if (acquire === 'acquire') await first.call(semaphore, 'describe');
    else await until(() => served || sleeps(semaphore, first.pid), 'the one behind to have it or to sleep');
    const lost = Number(!served && waiting(semaphore) === 1);
    assert.ok(!death.completed || lost === 1);
    if (lost === 1) semaphore.release();
    await behind;
    await hasPermits(scene, semaphore, death, 0);
  });
  yield operation(`Semaphore.${acquire}, timed out`, 5, async (scene) => {
    const semaphore = scene.share(new Semaphore(0));
    const death = await scene.crash(semaphore, acquire, { timeout: 2 });
    assert.equal(death.value ?? null, null);
    const next = scene.progress(scene.first.call(semaphore, acquire), acquire);
    semaphore.release();
    await next;
    await hasPermits(scene, semaphore, death, 0);
  });
  yield operation(`Semaphore.release(1), with a waiter in ${acquire}`, 4, async (scene) => {
    const semaphore = scene.share(new Semaphore(0));
    const next = scene.progress(scene.first.call(semaphore, acquire), acquire);
    await untilWaiting(semaphore, 1);
    const death = await scene.crash(semaphore, 'release');
    if (waiting(semaphore) === 1 && semaphore.value === 0) semaphore.release();
    await next;
    await hasPermits(scene, semaphore, death, semaphore.value);
  });
  yield operation(`Semaphore.release(2), with two waiters in ${acquire}`, 5, async (scene) => {
    const semaphore = scene.share(new Semaphore(0));
    const both = [scene.first, scene.second].map((member) =>
      scene.progress(member.call(semaphore, acquire), acquire),
    );
    await untilWaiting(semaphore, 2);
    const death = await scene.crash(semaphore, 'release', 2);
    if (waiting(semaphore) === 2 && semaphore.value === 0) semaphore.release(2);
    await Promise.all(both);
    await hasPermits(scene, semaphore, death, 0);
  });
}

function* ofBounded({ acquire, run }: { acquire: string; run: string }): Iterable<Operation> {
  const name = 'BoundedSemaphore';
  yield operation(`${name}.${acquire}, free`, 2, async (scene) => {
    const semaphore = scene.share(new BoundedSemaphore(2));
    await allBack(scene, semaphore, await scene.crash(semaphore, acquire));
  });
  yield operation(`${name}.${run}, free`, 2, async (scene) => {
    const semaphore = scene.share(new BoundedSemaphore(1));
    await allBack(scene, semaphore, await scene.crash(semaphore, run, '@function'));
  });
  yield operation(`${name}.${acquire}, contended`, 5, async (scene) => {
    const semaphore = scene.share(new BoundedSemaphore(1));
    const hold = semaphore.tryAcquire();
    const crash = scene.crash(semaphore, acquire);
    await scene.untilVictimWaits(semaphore);
    const next = passes(scene, semaphore, acquire);
    await scene.untilVictimWaits(semaphore, 1);
    hold?.release();
    const death = await crash;
    await next;
    await allBack(scene, semaphore, death);
  });
  yield operation(`${name}.${acquire}, timed out`, 5, async (scene) => {
    const semaphore = scene.share(new BoundedSemaphore(1));
    const hold = semaphore.tryAcquire();
    const death = await scene.crash(semaphore, acquire, { timeout: 2 });
    assert.equal(death.value ?? null, null);
    const next = passes(scene, semaphore, acquire);
    hold?.release();
    await next;
    await allBack(scene, semaphore, death);
  });
  for (const count of [1, 2]) {
    yield operation(`${name}.release(${count}), with a waiter in ${acquire}`, 5, async (scene) => {
      const semaphore = scene.share(new BoundedSemaphore(2));
      await scene.victim.call(semaphore, 'acquireSync');
      await scene.victim.call(semaphore, 'acquireSync');
      const next = passes(scene, semaphore, acquire);
      await untilWaiting(semaphore, 1);
      const death = await scene.crash(semaphore, 'release', count);
      await next;
      await allBack(scene, semaphore, death);
    });
  }
}

/** The first survivor takes a permit and gives it back. */
async function passes(scene: Scene, semaphore: BoundedSemaphore, acquire: string): Promise<void> {
  await scene.progress(scene.first.call(semaphore, acquire), acquire);
  await scene.first.call(semaphore, 'release');
}

/** Nobody waits, so many permits are there, and a newcomer can take each, and no more. */
async function hasPermits(scene: Scene, semaphore: Semaphore, death: Death, count: number): Promise<void> {
  assert.equal(semaphore.value, count, `permits after ${death.point}`);
  await canTake(scene, semaphore, death, count);
}

/** The same, where the dead agent's permits may only come back when another agent wants one. */
async function allBack(scene: Scene, semaphore: BoundedSemaphore, death: Death): Promise<void> {
  await canTake(scene, semaphore, death, semaphore.limit);
}

async function canTake(
  scene: Scene,
  semaphore: Semaphore | BoundedSemaphore,
  death: Death,
  count: number,
): Promise<void> {
  assert.equal(death.error, undefined, 'the operation failed');
  assert.equal(waiting(semaphore), 0, 'somebody waits');
  for (let i = 0; i < count; i++)
    await scene.progress(scene.newcomer.call(semaphore, 'acquireSync'), 'a permit');
  assert.equal(semaphore.value, 0);
  assert.equal(await scene.newcomer.call(semaphore, 'acquireSync', { timeout: 1 }), null, 'one too many');
  semaphore.release();
  await scene.progress(scene.newcomer.call(semaphore, 'acquire'), 'the released permit');
}
