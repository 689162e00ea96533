#!/usr/bin/env node
/**
 * `lockstep`: shows the objects that programs on this machine share, and the threads that keep
 * others waiting.
 *
 * `lockstep why` has to be fast, as users and health checks wait for it, so its options are read
 * here. Other commands, and wrong options, go to the library that knows all commands. Loading that
 * takes as long as `why` itself.
 */

import { parseArgs } from 'node:util';
import { LockstepError, NameError } from '../errors.ts';
import { UNREADABLE, WRONG_USE } from './exit-codes.ts';
import { failOutput, isOfOutput, watchOutput } from './output.ts';
import type { WhyOptions } from './why.ts';

const WHY = {
  all: { type: 'boolean', short: 'a' },
  json: { type: 'boolean' },
  last: { type: 'boolean', short: 'l' },
  namespace: { type: 'string', short: 'n' },
  stacks: { type: 'boolean', short: 's' },
} as const;

/** The options of `why`; `undefined` for another command or wrong options. */
function readWhy(args: readonly string[]): { about: string | undefined; options: WhyOptions } | undefined {
  const [command, ...rest] = args;
  if (command !== 'why') return undefined;
  try {
    const { values, positionals } = parseArgs({ args: rest, options: WHY, allowPositionals: true });
    return positionals.length > 1 ? undefined : { about: positionals[0], options: values };
  } catch {
    // An option that is not known, or --help.
    return undefined;
  }
}

watchOutput();
try {
  const asked = readWhy(process.argv.slice(2));
  if (asked !== undefined)
    process.exitCode = await (await import('./why.ts')).why(asked.about, asked.options);
  else await (await import('./commands.ts')).runCommandLine();
} catch (error) {
  if (isOfOutput(error)) failOutput(error);
  else if (error instanceof LockstepError) {
    process.stderr.write(`lockstep: ${error.message}\n`);
    // A name or namespace that can't be one is a fault of the command line.
    process.exitCode = error instanceof NameError ? WRONG_USE : UNREADABLE;
  } else throw error;
}
