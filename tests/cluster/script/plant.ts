/** Mistakes that are planted in a server's script: the histories must find each. */

import assert from 'node:assert/strict';
import { it } from 'node:test';

/**
 * Returns a function that makes a test of a mistake: `wrong` stands in place of `right` in the
 * script, and `run` with that script must report a difference from the machine.
 */
export function planting(
  script: string,
  run: (mutant: string) => Promise<unknown>,
): (mistake: string, right: string, wrong: string) => void {
  return (mistake, right, wrong) => {
    it(mistake, async () => {
      const mutant = script.replace(right, wrong);
      assert.notEqual(mutant, script, 'the mistake could not be planted');
      await assert.rejects(run(mutant), /history|rings/);
    });
  };
}
