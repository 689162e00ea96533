#!/usr/bin/env node
/**
 * `lockstep`: tells what the programs on this machine share, and what keeps whom waiting.
 *
 * Whoever types `lockstep why` is in a hurry, and so may be a health check: its options are read
 * here. All else, and whatever is wrong with them, goes to the library that knows all commands,
 * which takes as long to load as `why` takes to answer.
 */

import { parseArgs } from 'node:util';
import { LockstepError } from '../errors.ts';
import { UNREADABLE } from './exit-codes.ts';
import type { WhyOptions } from './why.ts';

const WHY = {
  all: { type: 'boolean', short: 'a' },
  json: { type: 'boolean' },
  last: { type: 'boolean', short: 'l' },
  namespace: { type: 'string', short: 'n' },
  stacks: { type: 'boolean', short: 's' },
} as const;

/** What `why` is asked for; `undefined` if this is another command, or there is anything odd. */
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

try {
  const asked = readWhy(process.argv.slice(2));
  if (asked !== undefined)
    process.exitCode = await (await import('./why.ts')).why(asked.about, asked.options);
  else await (await import('./commands.ts')).runCommandLine();
} catch (error) {
  if (!(error instanceof LockstepError)) throw error;
  process.stderr.write(`lockstep: ${error.message}\n`);
  process.exitCode = UNREADABLE;
}
