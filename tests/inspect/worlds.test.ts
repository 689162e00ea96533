/** Generated worlds: the inspector finds everything that was built, and nothing else. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../soak/random.ts';
import { PIECES } from './pieces.ts';
import { lookAtWorld } from './world.ts';

/** As many in `npm run test:deep`. */
const WORLDS = process.env.LOCKSTEP_MODEL === 'deep' ? 500 : 4;
const SEED = Number(process.env.LOCKSTEP_SEED ?? 1);
const names = Object.keys(PIECES);

test('each piece alone is reported as what it is', { concurrency: false }, async (t) => {
  for (const name of names) {
    await t.test(name, async () => {
      const { expected, found } = await lookAtWorld(`piece-${process.pid}-${name}`, [name], SEED);
      assert.deepEqual(found, expected);
    });
  }
});

test(`${WORLDS} worlds of several pieces are reported as the sum of them`, async () => {
  for (let number = 0; number < WORLDS; number++) {
    const random = new Random(SEED, number);
    const pieces = Array.from({ length: 2 + random.below(2) }, () => random.pick(names));
    const { expected, found } = await lookAtWorld(
      `world-${process.pid}-${number}`,
      pieces,
      SEED * 1000 + number,
    );
    assert.deepEqual(found, expected, `world ${number} of seed ${SEED}: ${pieces.join(', ')}`);
  }
});
