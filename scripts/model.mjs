// Takes scenarios of the model through their schedules, and prints what was searched:
// `npm run model`, or `npm run model -- "Lock: two block"` for the scenarios whose names contain
// the text. A violation is shown step by step. `--table` prints the tables of
// docs/internals/model.md, `--deep` searches as far as `npm run test:deep`.
import { availableParallelism } from 'node:os';
import { run } from '../build/tests/model/launch.js';
import { SCENARIOS } from '../build/tests/model/scenarios/all.js';

const args = process.argv.slice(2);
const deep = args.includes('--deep');
const table = args.includes('--table');
const text = args.find((arg) => !arg.startsWith('--')) ?? '';

const wanted = Object.entries(SCENARIOS).flatMap(([primitive, scenarios]) =>
  scenarios.map((scenario) => ({ primitive, scenario })),
);
const queue = wanted.filter(({ primitive, scenario }) => `${primitive}: ${scenario.name}`.includes(text));
if (queue.length === 0) {
  console.error(`no scenario's name contains ${text}`);
  process.exit(1);
}
const rows = Object.fromEntries(Object.keys(SCENARIOS).map((primitive) => [primitive, []]));
const sums = { segments: 0, states: 0, crashPoints: 0, milliseconds: 0 };

const round = (count) => count.toLocaleString('en');
const rowOf = ({ name, actors, deaths = 0, preemptions }, { segments, states, crashPoints }) =>
  `| ${name} | ${actors.length} | ${deaths} | ${preemptions.join(' / ')} | ${[segments, states, crashPoints].map(round).join(' | ')} |`;

async function work(place) {
  const { primitive, scenario } = queue[place];
  const result = await run(primitive, scenario.name, scenario.preemptions[deep ? 1 : 0]);
  for (const key of Object.keys(sums)) sums[key] += result[key];
  rows[primitive][place] = rowOf(scenario, result);
  const { violation, schedule, preemptions, segments, states, crashPoints, milliseconds } = result;
  if (violation !== null) {
    process.exitCode = 1;
    console.error([`${primitive}: ${scenario.name}`, ...schedule, violation].join('\n'));
  } else if (!table) {
    const searched = `${preemptions} preemptions, ${round(segments)} segments, ${round(states)} states`;
    console.log(
      `${primitive}: ${scenario.name}: ${searched}, ${round(crashPoints)} crash points, ${milliseconds} ms`,
    );
  }
}

let next = 0;
const worker = async () => {
  while (next < queue.length) await work(next++);
};
await Promise.all(Array.from({ length: availableParallelism() }, worker));

if (table) {
  for (const [primitive, lines] of Object.entries(rows)) {
    const filled = lines.filter((line) => line !== undefined);
    if (filled.length === 0) continue;
    console.log(
      `### ${primitive}\n\n| scenario | actors | deaths | preemptions, usual / deep | segments | states | crash points |`,
    );
    console.log(`|---|--:|--:|---|--:|--:|--:|\n${filled.join('\n')}\n`);
  }
}
const { segments, states, crashPoints, milliseconds } = sums;
console.log(
  `${queue.length} scenarios: ${round(segments)} segments, ${round(states)} states, ` +
    `${round(crashPoints)} crash points, ${round(Math.round(milliseconds / 1000))} s of one core`,
);
