/**
 * Event: whichever process dies, the event is either set or not, and once it is set all waiters are
 * free.
 */

import assert from 'node:assert/strict';
import { Event } from 'lockstep';
import { untilWaiting, waiting } from '../../support/until.ts';
import { type Operation, operation, type Suite } from '../operation.ts';
import type { Death, Scene } from '../scene.ts';

export const events: Suite = [
  operation('Event.set, nobody waits', 2, async (scene) => {
    const event = scene.share(new Event());
    await isEitherSetOrNot(scene, event, await scene.crash(event, 'set'));
  }),
  operation('Event.clear', 2, async (scene) => {
    const event = scene.share(new Event());
    event.set();
    await isEitherSetOrNot(scene, event, await scene.crash(event, 'clear'));
  }),
  operation('Event.set, with a blocked and an awaiting waiter', 6, async (scene) => {
    const event = scene.share(new Event());
    const both = waits(scene, event);
    await untilWaiting(event, 2);
    const death = await scene.crash(event, 'set');
    if (!event.isSet()) {
      assert.equal(waiting(event), 2, 'somebody was let go too early');
      event.set();
    }
    assert.deepEqual(await both, [true, true]);
    await isEitherSetOrNot(scene, event, death);
  }),
  ...['waitSync', 'wait'].flatMap((wait) => [...waitsIn(wait)]),
];

function* waitsIn(wait: string): Iterable<Operation> {
  yield operation(`Event.${wait}, set meanwhile`, 5, async (scene) => {
    const event = scene.share(new Event());
    const crash = scene.crash(event, wait);
    const both = waits(scene, event);
    await scene.untilVictimWaits(event, 2);
    event.set();
    const death = await crash;
    assert.deepEqual(await both, [true, true]);
    await isEitherSetOrNot(scene, event, death);
  });
  yield operation(`Event.${wait}, timed out`, 5, async (scene) => {
    const event = scene.share(new Event());
    const death = await scene.crash(event, wait, { timeout: 2 });
    assert.equal(death.value ?? false, false);
    await isEitherSetOrNot(scene, event, death);
  });
}

/** One survivor waits blocked, one awaiting. */
function waits(scene: Scene, event: Event): Promise<unknown[]> {
  const both = Promise.all([
    scene.progress(scene.first.call(event, 'waitSync'), 'waitSync'),
    scene.progress(scene.second.call(event, 'wait'), 'wait'),
  ]);
  both.catch(() => {});
  return both;
}

/** Can be waited for, set and cleared by a newcomer. */
async function isEitherSetOrNot(scene: Scene, event: Event, death: Death): Promise<void> {
  assert.equal(death.error, undefined, 'the operation failed');
  assert.equal(waiting(event), 0, 'somebody waits');
  const { newcomer } = scene;
  assert.equal(await newcomer.call(event, 'waitSync', { timeout: 1 }), event.isSet());
  event.clear();
  const waiter = scene.progress(newcomer.call(event, 'waitSync'), 'a newcomer');
  event.set();
  assert.equal(await waiter, true);
}
