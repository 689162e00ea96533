/**
 * Processes of servers that die with the process that has started them, also when that one is
 * killed: by the kernel, which signals them at the death of their parent (PR_SET_PDEATHSIG).
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { until } from '../../support/until.ts';

/** The parent may die before the kernel knows of the signal: then the server is not run. */
const UNLESS_ORPHANED = '[ "$PPID" = "$0" ] && exec "$@"';

export interface ServerOptions {
  /** By which signal it dies with its parent. */
  readonly signal?: NodeJS.Signals;
  /** Who runs it, if not the user of this process. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** With whom it dies. */
  readonly parent?: number;
}

/** Starts the program, which keeps the pid of the child. To be called by the main thread. */
export function spawnServer(
  program: string,
  args: readonly string[],
  { signal = 'SIGKILL', user, parent = process.pid }: ServerOptions = {},
): ChildProcess {
  const guard = ['--pdeathsig', signal.slice('SIG'.length), 'sh', '-c', UNLESS_ORPHANED];
  return spawn('setpriv', [...guard, String(parent), program, ...args], { stdio: 'ignore', ...user });
}

/** Resolves to whether the server is ready, or has ended instead: as when its port is taken. */
export async function isReady(
  child: ChildProcess,
  answers: () => boolean | Promise<boolean>,
  what: string,
): Promise<boolean> {
  let ready = false;
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const isDecided = async (): Promise<boolean> => {
    ready = await answers();
    return ready || hasEnded();
  };
  await until(isDecided, what);
  // Something else may have answered.
  return ready && !hasEnded();
}
