/** Starts what runs a member: a process, a thread, or a program that Lockstep does not start. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Process, Thread } from 'lockstep';

/** Where a member reports: the crew's socket, and its number there. */
export interface Address {
  readonly path: string;
  readonly serial: number;
}

/** The function that a member runs. */
export type Target<Args extends unknown[]> = (address: Address, ...args: Args) => Promise<void>;

/** A member that was started. */
export interface Run {
  /** Resolves when it is gone, to how it ended. */
  readonly ended: Promise<string>;
  /** SIGKILL for a process, `terminate()` for a thread. */
  kill(): unknown;
  /** Stops it, and lets it go on, where that is not done by signals. */
  freeze?(): void;
  thaw?(): void;
}

/** A child process or a thread of this process. */
export function runChild<Args extends unknown[]>(
  kind: 'process' | 'thread',
  target: Target<Args>,
  args: [Address, ...Args],
): Run {
  const child = new (kind === 'process' ? Process : Thread)({ target, args, daemon: true });
  child.start();
  return {
    ended: child.join().then(() => `exit code ${child.exitCode}`),
    kill: () => child.kill(),
  };
}

/** A program that runs the function of that name which the module exports. */
export function runProgram(module: string, target: string, args: readonly [Address, ...unknown[]]): Run {
  const program = fileURLToPath(new URL('./program.js', import.meta.url));
  const words = [...process.execArgv, program, module, target, JSON.stringify(args)];
  const child = spawn(process.execPath, words, {
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return {
    ended: new Promise((resolve) =>
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`)),
    ),
    kill: () => child.kill('SIGKILL'),
  };
}
