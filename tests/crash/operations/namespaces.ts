/**
 * Namespaces: joined, left, and removed by the last. Whichever process dies in between, the next
 * can join, and in the end nothing is left.
 */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { Lock } from 'lockstep';
import { untilWaiting } from '../../support/until.ts';
import { type Operation, operation, type Suite } from '../operation.ts';
import type { Scene } from '../scene.ts';

let fresh = 0;

export const namespaces: Suite = [
  operation('joining by a handle', 5, async (scene) => {
    const lock = scene.share(new Lock());
    const death = await scene.crashIn('open', lock.handle);
    assert.equal(death.error, undefined);
    // Not by the newcomer: as the next victim it must not have joined yet.
    assert.equal(await scene.pass(scene.first, lock), false);
  }),
  operation('leaving by process.exit(), with a lock that is held and waited for', 8, async (scene) => {
    const lock = scene.share(new Lock());
    await scene.victim.call(lock, 'acquireSync');
    const next = scene.pass(scene.first, lock);
    await untilWaiting(lock, 1);
    await scene.crashIn('exit');
    assert.equal(await next, true, 'not told of the recovery');
    assert.equal(await scene.pass(scene.newcomer, lock), false);
  }),
  alone('joining a namespace as the first', async (scene, options) => {
    const death = await scene.crashIn('new', 'Lock', options);
    assert.equal(death.error, undefined);
  }),
  alone('leaving a namespace as the last', async (scene, options) => {
    await scene.victim.order('new', 'Lock', options);
    await scene.crashIn('exit');
  }),
];

/**
 * A program's calls in a namespace where nobody else is. The next can do the same, and leaves
 * nothing.
 */
function alone(
  name: string,
  play: (scene: Scene, options: { namespace: string }) => Promise<void>,
): Operation {
  const whole = operation(name, 12, async (scene) => {
    const before = listing();
    const options = { namespace: `alone-${++fresh}` };
    await play(scene, options);
    const next = await scene.program();
    await next.order('new', 'Lock', options);
    await next.order('exit').catch(() => {});
    await next.ended;
    assert.deepEqual(listing(), before, 'left behind');
  });
  return { ...whole, relation: 'unrelated' };
}

function listing(): string[] {
  return readdirSync(process.env.LOCKSTEP_DIR as string).sort();
}
