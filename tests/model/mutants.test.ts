/** The model finds what is broken on purpose. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AT_ONCE } from '../support/at-once.ts';
import { run } from './launch.ts';
import { makeMutant, removeMutant } from './mutants.ts';
import { MUTANTS } from './mutations/all.ts';

describe('it is found when', { concurrency: AT_ONCE }, () => {
  for (const mutant of MUTANTS) {
    const { name, primitive, scenario, preemptions, finds } = mutant;
    it(name, async () => {
      const library = makeMutant(mutant);
      try {
        const { violation, schedule } = await run(primitive, scenario, preemptions, library);
        assert.match(violation ?? 'nothing was found', finds);
        assert.notEqual(schedule.length, 0, 'no schedule shows it');
      } finally {
        removeMutant(library);
      }
    });
  }
});
