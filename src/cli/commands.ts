/** Commands: all commands of `lockstep`, declared for the library that reads command lines. */

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { VERSION } from '../version.ts';
import { FINE, UNREADABLE, WRONG_USE } from './exit-codes.ts';
import type { LookOptions } from './looks.ts';
import type { ListOptions } from './ls.ts';
import type { RunOptions } from './run.ts';
import type { WhyOptions } from './why.ts';

const EXAMPLES = `
My program hangs:
  lockstep why            what keeps others waiting, and which process to look at or end
  lockstep why 4121       the same for one process
  lockstep why --stacks   and where in their code the threads are
  lockstep ps             all threads that take part, and what each does

Only one at a time:
  lockstep run nightly -- node report.js

Exit codes: 0 nobody keeps others waiting (tasks may run, and calls may wait for what may come),
1 somebody does, 2 wrong use, 3 not there or can't be read.`;

const ABOUT_RUN = `
If lockstep run is killed, even by SIGKILL, the kernel frees the name and kills the command.
Processes that the command has started, or left in the background, go on: the next run may
begin while they still run.

Exit codes: that of the command; 128 + n after signal n; 127 no such program, 126 it can't be run;
75 the name is held, or was until the timeout; 2 wrong use;
3 the name belongs to an object of another kind, or the shared memory can't be used.`;

const program = new Command('lockstep')
  .description('Tells what the programs on this machine share by Lockstep, and what keeps whom waiting.')
  .version(VERSION)
  .addHelpText('after', EXAMPLES)
  .showHelpAfterError('(lockstep --help shows what there is)')
  .exitOverride();

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number from 1 on is needed.');
  return Number(text);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, '': 1000, m: 60_000, h: 3_600_000 };

function milliseconds(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('a time such as 500ms, 30s, 10m or 1h is needed.');
  return Number(number) * UNITS[unit]!;
}

/** Whether all operands, the name and those of the command, come after `--`. */
function isAfterDashes(command: readonly string[]): boolean {
  const dashes = process.argv.indexOf('--');
  return dashes > 0 && 1 + command.length === process.argv.length - dashes - 1;
}

/** Whether an option that was taken for one of Lockstep's stands within the command. */
function isMixed(command: readonly string[]): boolean {
  const { argv } = process;
  return !argv.includes('--') && command.some((each, n) => argv[argv.length - command.length + n] !== each);
}

/** Runs a command that returns the exit code. */
function act<Args extends unknown[]>(
  run: (...args: Args) => number | Promise<number>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    process.exitCode = await run(...args);
  };
}

/** `--watch`, which prints tables, not JSON. */
const watching = (): Option => new Option('-w, --watch', 'every second').conflicts('json');

const looking = (name: string, about: string): Command =>
  program
    .command(name)
    .description(about)
    .option('--json', 'as JSON')
    .option('-n, --namespace <name>', 'only this namespace; all of this user by default');

looking(
  'why [about]',
  'shows what keeps threads waiting: deadlocks, waits that no thread can end, and the threads that others wait for; or one process, thread or object',
)
  .option(
    '-a, --all',
    'also waits of less than a second, and beside findings those that may still end, and pools at work',
  )
  .option(
    '-o, --over <time>',
    'only waits and tasks that have lasted longer than e.g. 500ms, 30s, 10m (by default 1s); deadlocks always',
    milliseconds,
  )
  .option(
    '-s, --stacks',
    'asks the threads for their JavaScript stacks (only this writes: one word a namespace, and it wakes them)',
  )
  .option(
    '-l, --last',
    'instead the last 16 deadlocks for which a call was refused, or those with that process, thread or object',
  )
  .action(
    act(async (about: string | undefined, options: WhyOptions) =>
      (await import('./why.ts')).why(about, options),
    ),
  );
looking('ls', 'lists the shared objects, their holders, and the number of waiting calls')
  .option('-a, --all', 'also objects without a name, and parts of others')
  .addOption(watching())
  .option('--redis <url>', "the cluster's objects at this Redis server instead")
  .option('--postgres <url>', "the cluster's objects in this PostgreSQL database instead")
  .action(
    act(async (options: ListOptions) =>
      options.redis !== undefined || options.postgres !== undefined
        ? (await import('./ls-server.ts')).lsServer(options)
        : (await import('./ls.ts')).ls(options),
    ),
  );
looking('ps', 'the threads that take part, and what each does')
  .addOption(watching())
  .action(act(async (options: ListOptions) => (await import('./ps.ts')).ps(options)));
looking('show <object>', 'one object, by its name or number (#17), with its holder and its waiters').action(
  act(async (name: string, options: LookOptions) => {
    const [{ isMissing, look }, { objectsCalled }, { showObjects }] = await Promise.all([
      import('./looks.ts'),
      import('./why.ts'),
      import('./show.ts'),
    ]);
    const snapshot = look(options);
    if (isMissing(options, snapshot)) return UNREADABLE;
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

program
  .command('run <name> [command...]')
  .usage('[options] <name> -- <command> [args...]')
  .description('runs the command while it holds the name: one run at a time on this machine')
  .option('-p, --permits <n>', 'so many runs at a time', wholeNumber)
  .option(
    '-t, --timeout <time>',
    'gives up after e.g. 500ms, 30s, 10m; a number alone is seconds (exit code 75)',
    milliseconds,
  )
  .option('--no-wait', 'gives up at once where the name is held (exit code 75)')
  .option('-n, --namespace <name>', 'the namespace of the name', 'default')
  .option('-q, --quiet', 'says nothing of its own')
  .addHelpText('after', ABOUT_RUN)
  .showHelpAfterError('(put -- before the command: lockstep run [options] <name> -- <command> [args...])')
  .action(
    act(async (name: string, command: string[], options: RunOptions) => {
      if (isAfterDashes(command)) {
        process.stderr.write(
          'lockstep: the name is missing before --; write lockstep run <name> -- <command> [args...]\n',
        );
        return WRONG_USE;
      }
      if (command.length === 0) {
        process.stderr.write(
          'lockstep: there is nothing to run; write lockstep run <name> -- <command> [args...]\n',
        );
        return WRONG_USE;
      }
      if (isMixed(command)) {
        process.stderr.write(
          'lockstep: an option stands within the command; put -- before the command: lockstep run [options] <name> -- <command> [args...]\n',
        );
        return WRONG_USE;
      }
      return (await import('./run.ts')).run(name, command, options);
    }),
  );
program
  .command('doctor')
  .description(
    'checks that this machine has all that Lockstep needs; lists the leftovers of programs, and removes them',
  )
  .option('--json', 'as JSON')
  .action(act(async (options: { json?: boolean }) => (await import('./doctor.ts')).doctor(options)));
program
  .command('clean')
  .description('removes namespaces that no program uses')
  .action(act(async () => (await import('./tidy.ts')).clean()));
program
  .command('unlink <name>')
  .description('removes the name of a block of SharedMemory')
  .option('-n, --namespace <name>', 'the namespace of the name', 'default')
  .action(
    act(async (name: string, options: { namespace: string }) =>
      (await import('./tidy.ts')).unlink(name, options),
    ),
  );
program
  .command('completion [shell]')
  .description('prints completions for bash, zsh or fish: eval "$(lockstep completion bash)"')
  .addOption(new Option('--list <list>', 'for the printed scripts: the current names').hideHelp())
  .action(
    act(async (shell: string | undefined, options: { list?: string }) =>
      (await import('./completion.ts')).completion(shell, options),
    ),
  );

/** Runs the command line. Sets the exit code. */
export async function runCommandLine(): Promise<void> {
  try {
    const [command, about] = process.argv.slice(2);
    if (command === 'help' && about !== undefined && !program.commands.some((each) => each.name() === about))
      program.error(`error: unknown command '${about}'`);
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? FINE : WRONG_USE;
  }
}
