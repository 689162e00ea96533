/**
 * Every scenario holds in every schedule up to its bound, whichever actor dies.
 * `LOCKSTEP_MODEL=deep` searches deeper.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AT_ONCE } from '../support/at-once.ts';
import { run } from './launch.ts';
import { SCENARIOS } from './scenarios/all.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';

describe('in every schedule', { concurrency: AT_ONCE }, () => {
  for (const [primitive, scenarios] of Object.entries(SCENARIOS)) {
    for (const { name, preemptions } of scenarios) {
      it(`${primitive} holds when ${name}`, async (test) => {
        const result = await run(primitive, name, preemptions[deep ? 1 : 0]);
        assert.equal(result.violation, null, result.schedule.join('\n'));
        const { preemptions: bound, segments, states, crashPoints } = result;
        test.diagnostic(
          `${bound} preemptions: ${segments} segments, ${states} states, ${crashPoints} crash points`,
        );
      });
    }
  }
});
