/**
 * The search's reductions make no difference: with and without it, the same states are found in
 * which nobody can go on.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AT_ONCE } from '../support/at-once.ts';
import { compare } from './launch.ts';

const CASES: readonly (readonly [primitive: string, scenario: string, preemptions: number])[] = [
  ['Lock', 'two block, twice each', 2],
  ['Lock', 'two block, one dies', 1],
  ['Lock', 'two block, one dies, two look around', 0],
  ['Lock', 'three block, one gives up', 1],
  ['Lock', 'one blocks, one awaits', 2],
  ['Semaphore', 'one gives twice to two', 1],
  ['BoundedSemaphore', 'two block, one dies', 1],
  ['Condition', 'two flows of one await, one is notified', 1],
  ['Condition', 'two wait, one is notified, one dies', 0],
  ['Event', 'one sets, two wait', 2],
  ['Barrier', 'two meet, one gives up', 2],
  ['Barrier', 'two meet, one dies', 1],
  ['Blocking and awaiting', 'one awaits the lock, and blocks elsewhere later', 1],
  ['Arena', 'a cell is used again for permits, one opens', 1],
  ['Arena', 'one makes and closes, one opens, one dies', 1],
];

describe('nothing is lost by the reduction', { concurrency: AT_ONCE }, () => {
  for (const [primitive, scenario, preemptions] of CASES) {
    it(`when of ${primitive} ${scenario}`, async () => {
      const { missing, extra, segments, example } = await compare(primitive, scenario, preemptions);
      assert.equal(missing, 0, example.join('\n'));
      assert.equal(extra, 0);
      assert.ok(segments[0] < segments[1], 'nothing is left out');
    });
  }
});
