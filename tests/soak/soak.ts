// Eight processes use every primitive at once, at random, while they are killed, stopped and
// replaced: does everything that must hold, hold?
// npm run soak -- --minutes 10 [--seed 4711]

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeProcess, processesOf } from '../support/processes.ts';
import { holds } from '../support/until.ts';
import { parseOptions } from './options.ts';
import { lineOf, tableOf } from './outcome.ts';
import { Supervisor } from './supervisor.ts';

const LINE_EVERY_MS = 10_000;

const { minutes, seed } = options();
console.log(`soak: ${minutes} minutes, seed ${seed}`);

const outside = mkdtempSync(join(tmpdir(), 'lockstep-soak-'));
const violations = join(outside, 'violations');
const folder = mkdtempSync(join(process.env.LOCKSTEP_DIR ?? '/dev/shm', 'lockstep-soak-'));
process.env.LOCKSTEP_DIR = folder;

const supervisor = new Supervisor(seed, violations);
let tally = supervisor.tally();
let orphans: string[] = [];
// Registered after the library's own exit listener, which comes with the first shared object: here
// it has left.
process.once('exit', finish);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const lines = setInterval(() => console.log(lineOf(supervisor.tally())), LINE_EVERY_MS);
await supervisor.run(minutes * 60_000);
clearInterval(lines);
tally = supervisor.tally();
await holds(() => processesOf(folder).length === 0);
orphans = processesOf(folder).map(describeProcess);

function finish(): void {
  const left = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const details = existsSync(violations) ? readFileSync(violations, 'utf8').trim().split('\n') : [];
  console.log(
    tableOf({ tally, seed, left, orphans, violations: details.map((line) => String(JSON.parse(line))) }),
  );
  rmSync(folder, { recursive: true, force: true });
  rmSync(outside, { recursive: true, force: true });
  if (details.length > 0 || left.length > 0 || orphans.length > 0) process.exitCode = 1;
}

function options(): { minutes: number; seed: number } {
  try {
    const parsed = parseOptions(process.argv.slice(2));
    if (typeof parsed !== 'string') return parsed;
    console.log(parsed);
    process.exit(0);
  } catch (error) {
    console.error(`soak: ${(error as Error).message}`);
    process.exit(2);
  }
}
