/**
 * Runner: takes one scenario through its schedules, in a process of its own with the condition `lockstep-model`.
 *
 *   node --conditions=lockstep-model runner.js <primitive> <scenario> [--preemptions=n] [--library=<url>]
 */

import { parseArgs } from 'node:util';
import { takeTimers } from './event-loop.ts';
import { Explorer } from './explorer.ts';
import { loadLibrary } from './library.ts';
import { ABORT } from './machine.ts';
import { scenarioNamed } from './scenarios/all.ts';
import { tell } from './trace.ts';
import { World } from './world.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { preemptions: { type: 'string' }, library: { type: 'string' } },
});
const [primitive = '', name = ''] = positionals;
const scenario = scenarioNamed(primitive, name);
const started = performance.now();
const clock = performance;
const lib = await loadLibrary(values.library === undefined ? undefined : new URL(values.library));
// The runs that are aborted leave promises and events behind, which nobody waits for.
for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error: unknown) => {
    if (error === ABORT) return;
    console.error(error);
    process.exit(1);
  });
}
FinalizationRegistry.prototype.register = () => {};
Error.stackTraceLimit = 6;
takeTimers();
const world = new World(lib, scenario);
const explorer = new Explorer(world);
const found = await explorer.explore(Number(values.preemptions ?? scenario.preemptions[0]));
const schedule = found === undefined ? [] : await tell(world, found.segment);
const { counts } = explorer;
console.log(
  JSON.stringify({
    ...counts,
    milliseconds: Math.round(clock.now() - started),
    violation: found === undefined ? null : (found.violation.stack ?? found.violation.message),
    schedule,
  }),
);
process.exit(0);
