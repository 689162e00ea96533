/**
 * Comparison: schedules that the search leaves out must make no difference. Takes one scenario
 * through its schedules twice, as always and leaving nothing out. Prints as JSON the states in
 * which nobody can go on and which only one of the two has found.
 *
 *   node --conditions=lockstep-model comparison.js <primitive> <scenario> <preemptions>
 */

import { enter } from './enter.ts';
import { Explorer } from './explorer.ts';
import { tell } from './trace.ts';

export interface Comparison {
  endings: number;
  /** Runs of an actor, with and without what is left out. */
  segments: [reduced: number, full: number];
  missing: number;
  extra: number;
  /** A schedule that leads to an ending that is missing. */
  example: string[];
}

const [primitive = '', scenario = '', preemptions = '0'] = process.argv.slice(2);
const world = await enter(primitive, scenario);
const reduced = new Explorer(world);
const full = new Explorer(world, false);
for (const explorer of [reduced, full]) {
  const found = await explorer.explore(Number(preemptions));
  if (found !== undefined) throw found.violation;
}
const missing = [...full.endings].filter(([ending]) => !reduced.endings.has(ending));
const comparison: Comparison = {
  endings: full.endings.size,
  segments: [reduced.counts.segments, full.counts.segments],
  missing: missing.length,
  extra: [...reduced.endings.keys()].filter((ending) => !full.endings.has(ending)).length,
  example: missing[0] === undefined ? [] : await tell(world, missing[0][1]),
};
process.stdout.write(JSON.stringify(comparison), () => process.exit(0));
