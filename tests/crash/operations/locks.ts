/**
 * Lock and RLock: freed when the holder dies, and `recovered` is true for the next holder. Waiters
 * are served in any case.
 */

import assert from 'node:assert/strict';
import { Lock, type Owner, RLock } from 'lockstep';
import { untilWaiting } from '../../support/until.ts';
import { type Operation, operation, type Suite } from '../operation.ts';
import type { Death, Scene } from '../scene.ts';

type Mutex = Lock | RLock;
const forms = [
  { acquire: 'acquireSync', run: 'runSync' },
  { acquire: 'acquire', run: 'run' },
];

export const locks: Suite = [
  ...common('Lock', () => new Lock()),
  ...common('RLock', () => new RLock()),

  operation('RLock.acquireSync, nested', 2, async (scene) => {
    const lock = scene.share(new RLock());
    await scene.victim.call(lock, 'acquireSync');
    const next = scene.pass(scene.first, lock);
    await untilWaiting(lock, 1);
    await recoveredOnce(scene, lock, await scene.crash(lock, 'acquireSync'), await next);
  }),
  operation('RLock.release, of the inner level', 2, async (scene) => {
    const lock = scene.share(new RLock());
    await scene.victim.call(lock, 'acquireSync');
    await scene.victim.call(lock, 'acquireSync');
    const next = scene.pass(scene.first, lock);
    await untilWaiting(lock, 1);
    await recoveredOnce(scene, lock, await scene.crash(lock, 'release'), await next);
  }),
];

function* common(name: string, make: () => Mutex): Iterable<Operation> {
  yield operation(`${name}.tryAcquire, held by another`, 1, async (scene) => {
    const lock = scene.share(make());
    const hold = lock.tryAcquire();
    const death = await scene.crash(lock, 'tryAcquire');
    assert.equal(death.value ?? null, null);
    hold?.release();
    await recoveredOnce(scene, lock, death);
  });
  for (const { acquire, run } of forms) {
    yield operation(`${name}.${acquire}, free`, 1, async (scene) => {
      const lock = scene.share(make());
      await recoveredOnce(scene, lock, await scene.crash(lock, acquire));
    });
    yield operation(`${name}.${run}, free`, 2, async (scene) => {
      const lock = scene.share(make());
      await recoveredOnce(scene, lock, await scene.crash(lock, run, '@function'));
    });
    yield operation(`${name}.${acquire}, contended`, 5, async (scene) => {
      const lock = scene.share(make());
      const hold = lock.tryAcquire();
      const crash = scene.crash(lock, acquire);
      await scene.untilVictimWaits(lock);
      const next = scene.pass(scene.first, lock, acquire);
      await scene.untilVictimWaits(lock, 1);
      hold?.release();
      await recoveredOnce(scene, lock, await crash, await next);
    });
    yield operation(`${name}.${acquire}, timed out`, 5, async (scene) => {
      const lock = scene.share(make());
      const hold = lock.tryAcquire();
      const death = await scene.crash(lock, acquire, { timeout: 2 });
      assert.equal(death.value ?? null, null);
      const next = scene.pass(scene.first, lock, acquire);
      hold?.release();
      await recoveredOnce(scene, lock, death, await next);
    });
    yield operation(`${name}.release, with a waiter in ${acquire}`, 5, async (scene) => {
      const lock = scene.share(make());
      await scene.victim.call(lock, 'acquireSync');
      const next = scene.pass(scene.first, lock, acquire);
      await untilWaiting(lock, 1);
      await recoveredOnce(scene, lock, await scene.crash(lock, 'release'), await next);
    });
  }
}

/**
 * If the victim died as the holder, exactly one next holder sees `recovered`. Then the lock is as
 * new.
 */
async function recoveredOnce(scene: Scene, lock: Mutex, death: Death, ...passed: boolean[]): Promise<void> {
  assert.equal(death.error, undefined, 'the operation failed');
  const owner = death.state.owner as Owner | null;
  const told = [...passed, await scene.pass(scene.newcomer, lock), await scene.pass(scene.second, lock)];
  const expected = owner?.pid === death.pid ? 1 : 0;
  assert.equal(told.filter(Boolean).length, expected, `how many were told: ${told}; ${death.point}`);
  assert.equal(lock.locked, false);
}
