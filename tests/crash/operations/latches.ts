/**
 * Latch: whichever process dies, the latch is counted down or not, and at 0 all waiters go through.
 */

import assert from 'node:assert/strict';
import { Latch } from 'lockstep';
import { untilWaiting, waiting } from '../../support/until.ts';
import { type Operation, operation, type Suite } from '../operation.ts';
import type { Scene } from '../scene.ts';

export const latches: Suite = [
  operation('Latch.countDown, one of two', 2, async (scene) => {
    const latch = scene.share(new Latch(2));
    const death = await scene.crash(latch, 'countDown');
    assert.equal(latch.count, death.state.count);
    await opens(scene, latch);
  }),
  operation('Latch.countDown, the last, with a blocked and an awaiting waiter', 6, async (scene) => {
    const latch = scene.share(new Latch(1));
    const both = waits(scene, latch);
    await untilWaiting(latch, 2);
    await scene.crash(latch, 'countDown');
    if (latch.count > 0) {
      assert.equal(waiting(latch), 2, 'somebody was let go too early');
      latch.countDown();
    }
    assert.deepEqual(await both, [true, true]);
    await opens(scene, latch);
  }),
  ...['waitSync', 'wait'].flatMap((wait) => [...waitsIn(wait)]),
];

function* waitsIn(wait: string): Iterable<Operation> {
  yield operation(`Latch.${wait}, opened meanwhile`, 5, async (scene) => {
    const latch = scene.share(new Latch(1));
    const crash = scene.crash(latch, wait);
    const both = waits(scene, latch);
    await scene.untilVictimWaits(latch, 2);
    latch.countDown();
    await crash;
    assert.deepEqual(await both, [true, true]);
    await opens(scene, latch);
  });
  yield operation(`Latch.${wait}, timed out`, 5, async (scene) => {
    const latch = scene.share(new Latch(1));
    const death = await scene.crash(latch, wait, { timeout: 2 });
    assert.equal(death.value ?? false, false);
    await opens(scene, latch);
  });
}

/** One survivor waits blocked, one awaiting. */
function waits(scene: Scene, latch: Latch): Promise<unknown[]> {
  const both = Promise.all([
    scene.progress(scene.first.call(latch, 'waitSync'), 'waitSync'),
    scene.progress(scene.second.call(latch, 'wait'), 'wait'),
  ]);
  both.catch(() => {});
  return both;
}

/** It can be counted down to the end, and a newcomer goes through. */
async function opens(scene: Scene, latch: Latch): Promise<void> {
  const { newcomer } = scene;
  assert.equal(await newcomer.call(latch, 'waitSync', { timeout: 1 }), latch.count === 0);
  const waiter = scene.progress(newcomer.call(latch, 'waitSync'), 'a newcomer');
  latch.countDown(2);
  assert.equal(await waiter, true);
  assert.equal(waiting(latch), 0, 'somebody waits');
}
