/** Commands: all that `lockstep` can do, as the library that reads command lines knows it. */

import { Command, CommanderError, InvalidArgumentError } from 'commander';
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

Exit codes: 0 nothing is certainly stuck (calls may still wait), 1 something is, 2 wrong use, 3 not there or can't be read.`;

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
  'shows what keeps threads waiting: deadlocks, waits that no thread can end, and the threads that others wait for; or one process, thread or object',
)
  .option(
    '-a, --all',
    'also waits of less than a second, and beside findings those that a thread may still end',
  )
  .option(
    '-s, --stacks',
    'asks the threads for their JavaScript stacks (only this writes: one word a namespace, and it wakes them)',
  )
  .option('-l, --last', 'the last 16 deadlocks that calls were refused for, instead')
  .action(
    act(async (about: string | undefined, options: WhyOptions) =>
      (await import('./why.ts')).why(about, options),
    ),
  );
looking('ls', 'lists the shared objects, their holders, and the number of waiting calls')
  .option('-a, --all', 'also objects without a name, and parts of others')
  .option('-w, --watch', 'every second')
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
  .option('-w, --watch', 'every second')
  .action(act(async (options: ListOptions) => (await import('./ps.ts')).ps(options)));
looking('show <object>', 'one object, by its name or number (#17), with its holder and its waiters').action(
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

program
  .command('run <name> [command...]')
  .usage('[options] <name> -- <command> [args...]')
  .description('runs the command while it holds the name: one run at a time on this machine')
  .option('-p, --permits <n>', 'so many runs at a time', wholeNumber)
  .option('-t, --timeout <time>', 'gives up after e.g. 500ms, 30s, 10m (exit code 75)', milliseconds)
  .option('--no-wait', 'gives up at once where the name is held (exit code 75)')
  .option('-n, --namespace <name>', 'the namespace of the name', 'default')
  .option('-q, --quiet', 'says nothing of its own')
  .action(
    act(async (name: string, command: string[], options: RunOptions) => {
      if (command.length === 0) {
        process.stderr.write(
          'lockstep: there is nothing to run; write lockstep run <name> -- <command> [args...]\n',
        );
        return WRONG_USE;
      }
      return (await import('./run.ts')).run(name, command, options);
    }),
  );
program
  .command('doctor')
  .description('checks that this machine has all that Lockstep needs, and finds leftovers of programs')
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
  .command('completion <shell>')
  .description('prints completions for bash, zsh or fish: eval "$(lockstep completion bash)"')
  .action(act(async (shell: string) => (await import('./completion.ts')).completion(shell)));

/** Runs the command line. Sets the exit code. */
export async function runCommandLine(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? FINE : WRONG_USE;
  }
}
