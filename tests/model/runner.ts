/**
 * Runner: takes one scenario through its schedules, in a process of its own with the condition
 * `lockstep-model`. Tells what it found as JSON.
 *
 *   node --conditions=lockstep-model runner.js <primitive> <scenario> <preemptions>
 *   [--library=<url>]
 */

import { parseArgs } from 'node:util';
import { enter } from './enter.ts';
import { Explorer } from './explorer.ts';
import type { Counts } from './segment.ts';
import { tell } from './trace.ts';

export interface Result extends Counts {
  milliseconds: number;
  /** The violated condition, and the schedule that shows it. */
  violation: string | null;
  schedule: string[];
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { library: { type: 'string' } },
});
const [primitive = '', scenario = '', preemptions = '0'] = positionals;
const clock = performance;
const started = clock.now();
const world = await enter(primitive, scenario, values.library);
const explorer = new Explorer(world);
const found = await explorer.explore(Number(preemptions));
const result: Result = {
  ...explorer.counts,
  milliseconds: Math.round(clock.now() - started),
  violation: found === undefined ? null : (found.violation.stack ?? found.violation.message),
  schedule: found === undefined ? [] : await tell(world, found.segment),
};
process.stdout.write(JSON.stringify(result), () => process.exit(0));
