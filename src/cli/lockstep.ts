#!/usr/bin/env node
/** `lockstep`: tells what the programs on this machine share, and what keeps whom waiting. */

import { Command, CommanderError } from 'commander';
import { LockstepError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { FINE, UNREADABLE, WRONG_USE } from './exit-codes.ts';
import type { LookOptions } from './looks.ts';
import type { ListOptions } from './ls.ts';

const EXAMPLES = `
My program hangs:
  lockstep why            what keeps others waiting, and which process to look at or end
  lockstep why 4121       the same for one process
  lockstep ps             all threads that take part, and what each does

Exit codes: 0 nothing is stuck, 1 something is, 2 wrong use, 3 not there or can't be read.`;

const program = new Command('lockstep')
  .description('Tells what the programs on this machine share by Lockstep, and what keeps whom waiting.')
  .version(VERSION)
  .addHelpText('after', EXAMPLES)
  .showHelpAfterError('(lockstep --help shows what there is)')
  .exitOverride();

/** Runs a command that returns the exit code. */
function act<Args extends unknown[]>(
  run: (...args: Args) => number | Promise<number>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    process.exitCode = await run(...args);
  };
}

const looking = (name: string, about: string): Command =>
  program
    .command(name)
    .description(about)
    .option('--json', 'as JSON')
    .option('-n, --namespace <name>', 'only this namespace; all of this user by default');

looking(
  'why [about]',
  'what keeps others waiting: deadlocks, waits that nobody is left to end, and who others wait behind; or one process, thread or object',
)
  .option('-a, --all', 'also waits of less than a second')
  .action(
    act(async (about: string | undefined, options: LookOptions & { all?: boolean }) =>
      (await import('./why.ts')).why(about, options),
    ),
  );
looking('ls', 'the shared objects, who holds them, and how many calls wait')
  .option('-a, --all', 'also objects without a name, and parts of others')
  .option('-w, --watch', 'every second')
  .action(act(async (options: ListOptions) => (await import('./ls.ts')).ls(options)));
looking('ps', 'the threads that take part, and what each does')
  .option('-w, --watch', 'every second')
  .action(act(async (options: ListOptions) => (await import('./ps.ts')).ps(options)));
looking('show <object>', 'one object, by its name or number (#17): who holds it, who waits').action(
  act(async (name: string, options: LookOptions) => {
    const [{ look }, { objectsCalled }, { showObjects }] = await Promise.all([
      import('./looks.ts'),
      import('./why.ts'),
      import('./show.ts'),
    ]);
    const snapshot = look(options);
    const found = objectsCalled(snapshot, name);
    if (found.length === 0) {
      process.stderr.write(
        `lockstep: there is no object ${JSON.stringify(name)}; lockstep ls shows what there is\n`,
      );
      return UNREADABLE;
    }
    showObjects(found, snapshot, options.json === true);
    return FINE;
  }),
);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? FINE : WRONG_USE;
  else if (error instanceof LockstepError) {
    process.stderr.write(`lockstep: ${error.message}\n`);
    process.exitCode = UNREADABLE;
  } else throw error;
}
