/** Launches the model's programs, each in a process of its own. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Comparison } from './comparison.ts';
import type { Result } from './runner.ts';

const execute = promisify(execFile);
/** Schedules are long. */
const MOST_OUTPUT = 1 << 28;

/**
 * Takes the scenario through its schedules. `library`: a mutant to be taken instead of the shipped
 * one.
 */
export async function run(
  primitive: string,
  scenario: string,
  preemptions: number,
  library?: URL,
): Promise<Result> {
  const options = library === undefined ? [] : [`--library=${library.href}`];
  return (await launch('runner', [primitive, scenario, `${preemptions}`, ...options])) as Result;
}

/** Searches twice, with and without what is left out otherwise. */
export async function compare(primitive: string, scenario: string, preemptions: number): Promise<Comparison> {
  return (await launch('comparison', [primitive, scenario, `${preemptions}`])) as Comparison;
}

async function launch(program: string, parameters: string[]): Promise<unknown> {
  const file = fileURLToPath(new URL(`${program}.js`, import.meta.url));
  const { stdout } = await execute(process.execPath, ['--conditions=lockstep-model', file, ...parameters], {
    maxBuffer: MOST_OUTPUT,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  return JSON.parse(stdout);
}
