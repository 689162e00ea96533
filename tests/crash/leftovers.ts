/** The leftovers of the dead in shared memory, as it is when everything should be cleared up. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { Event } from 'lockstep';
import { folderOf, newBeside, slotsOf } from '../support/internals.ts';
import type { SharedObject } from '../support/wire.ts';
import type { Member } from './crew.ts';
import { NAMESPACE } from './operation.ts';
import { HANG_MS } from './scene.ts';

/**
 * Throws unless the dead member's agent, its cells, its names and all data are gone from the
 * object's namespace.
 */
export async function checkCleared(
  anchor: SharedObject,
  dead: Member,
  before: ReadonlySet<string>,
  foreign: boolean,
): Promise<void> {
  const left = (): string[] => {
    const found = slotsOf(anchor, dead.pid).map((slot) => `agent ${slot}`);
    found.push(...newBeside(anchor, before).map((cell) => `cell ${cell}`));
    return [...found, ...readdirSync(folderOf(anchor)).filter((file) => /^(name|data|item)-/.test(file))];
  };
  // A child is reaped when its end is seen. Other agents are reaped when a waiter looks around.
  const end = performance.now() + HANG_MS;
  while (foreign && left().length > 0 && performance.now() < end) {
    using event = new Event();
    using named = new Event({ namespace: NAMESPACE });
    await Promise.all([event.wait({ timeout: 50 }), named.wait({ timeout: 50 })]);
  }
  assert.deepEqual(left(), [], 'left behind');
}
