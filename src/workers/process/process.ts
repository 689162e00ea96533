/** Process: a target running in a process of its own, sharing memory with this one. */

import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { agentsOfThread, defaultAgent } from '../../agents/agent.ts';
import { JOB_OPTION } from '../../agents/child-context.ts';
import { reapProcess } from '../../agents/reaper.ts';
import { packWhole } from '../../codec/parcel.ts';
import { PlatformError, StateError } from '../../errors.ts';
import { keepFor } from '../../objects/keeping.ts';
import { platform } from '../../platform/current.ts';
import { blockThread, forgetChild, noteChild } from '../../waiting/blocking.ts';
import type { ChildOptions } from '../child.ts';
import { Child, idOf, isSelf } from '../child.ts';
import { addressOf } from '../gift.ts';
import { identity, nextProcessPath, PROCESS_BOOTSTRAP } from '../identity.ts';
import type { Order, Running } from '../launch.ts';
import { foldersForProcess, optionsForProcess, optionsShown } from '../node-options.ts';
import type { JobFiles } from './process-files.ts';
import { hasBegun, isFinished, stdioWith, takeOutcome, writeJob } from './process-files.ts';

/** Options of a Process. */
export type ProcessOptions<
  Result = unknown,
  Args extends readonly unknown[] = readonly unknown[],
> = ChildOptions<Result, Args>;

/**
 * A process that runs a target: an exported function, or the `run` of an exported subclass.
 *
 * The child imports the target's module, so what that module does at its top level must be guarded
 * by `if (isMainProcess)`. The child ends when the target is done and nothing else keeps its event
 * loop running. An error in the target is printed and gives exit code 1. The program does not end
 * before its processes, except daemons: those are ended with it, also when it is killed.
 *
 * ```ts
 * export function work(lock: Lock, name: string): void {
 *   lock.runSync(() => console.log(`${name} is inside`));
 * }
 * if (isMainProcess) {
 *   const lock = new Lock();
 *   const processes = ['a', 'b'].map((name) => new Process({ target: work, args: [lock, name] }));
 *   for (const process of processes) process.start();
 *   for (const process of processes) await process.join();
 * }
 * ```
 */
export class Process<Result = unknown, Args extends readonly unknown[] = readonly unknown[]> extends Child<
  Result,
  Args
> {
  constructor(options: ProcessOptions<Result, Args> = {}) {
    const path = nextProcessPath();
    super('Process', { name: `Process-${path.join(':')}`, daemon: false }, options, (order) =>
      launch(order, path),
    );
  }

  /** Process id; `null` until the process is started. */
  get pid(): number | null {
    return isSelf(this) ? process.pid : idOf(this);
  }
}

function launch(order: Order, path: readonly number[]): Running {
  const { title, name, daemon } = order;
  const own = identity().process;
  if (own.daemon) {
    throw new StateError(
      `${title}: can't be started, ${own.name} is a daemon and those may not have children; start it elsewhere`,
    );
  }
  const { parcel: cargo, shared } = packWhole(
    order.cargo,
    'process',
    `${title}:`,
    order.isMethod ? 'this' : 'args',
  );
  for (const { cell } of shared)
    cell.agent.namespace.directory.checkUser(`${title}: can't be started, a shared object in its arguments`);
  const agent = defaultAgent();
  const parent = { pid: process.pid, name: own.name };
  const { start, next } = foldersForProcess();
  const options = optionsShown();
  const job = {
    identity: { name, path, daemon, parent },
    folder: agent.folder,
    target: order.target,
    isMethod: order.isMethod,
    cargo,
    workingFolder: next,
    parent: addressOf(agent),
  };
  const files = writeJob(agent, job, title);
  let child: ReturnType<typeof spawnNode>;
  try {
    child = spawnNode(files, start, title);
  } catch (error) {
    takeOutcome(files);
    throw error;
  }
  const { pid } = child;
  noteChild(pid);
  let exitCode: number | null = null;
  let ran = false;
  child.once('exit', (code, signal) => {
    exitCode ??= code ?? -(signal === null ? 0 : constants.signals[signal]);
    order.onEnd();
  });
  const peek = (): number | null => {
    if (exitCode !== null) return exitCode;
    const exit = platform.peekExit(pid);
    if (exit === null) return null;
    exitCode = exit.signal === undefined ? exit.code : -exit.signal;
    return exitCode;
  };
  const endKeeping = keepFor(shared, () => isFinished(files) || peek() !== null);
  return {
    id: pid,
    peek,
    block: (deadline) => void platform.watchExit(pid, (sleep) => blockThread(sleep, deadline, pid)),
    keepAlive: (on) => (on ? child.ref() : child.unref()),
    stop: (how) => void child.kill(how === 'kill' ? 'SIGKILL' : 'SIGTERM'),
    collect() {
      forgetChild(pid);
      endKeeping();
      for (const each of agentsOfThread()) reapProcess(each, pid);
      ran = hasBegun(files);
      return takeOutcome(files);
    },
    death: () => ({ ran, options }),
  };
}

/**
 * Starts Node with the job. Throws where the system refuses; the job's files are then still there.
 */
function spawnNode(
  files: JobFiles,
  folder: string | undefined,
  title: string,
): ChildProcess & { pid: number } {
  // Loaded when first needed: it takes a fifth of the time that Node takes to start.
  const { spawn } = process.getBuiltinModule('node:child_process');
  const command = [
    ...optionsForProcess(),
    fileURLToPath(PROCESS_BOOTSTRAP),
    `${JOB_OPTION}${files.job}`,
    ...process.argv.slice(2),
  ];
  let child: ChildProcess;
  let cause: unknown;
  try {
    child = spawn(process.execPath, command, { stdio: stdioWith(files), cwd: folder });
    if (child.pid !== undefined) return child as ChildProcess & { pid: number };
    // The reason comes as an event, after this call.
    child.once('error', () => {});
  } catch (error) {
    cause = error;
  }
  const reason = cause === undefined ? '' : ` (${(cause as Error).message})`;
  throw new PlatformError(
    `${title}: can't be started, the system refused to start ${process.execPath}${reason}; ` +
      'check its limits (ulimit -u, -n, -v), the length of its arguments and environment, and the working directory',
    cause === undefined ? undefined : { cause },
  );
}
