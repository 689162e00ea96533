/** Process: a target running in a process of its own, sharing memory with this one. */

import { constants } from 'node:os';
import type { Agent } from '../../agents/agent.ts';
import { agentsOfThread, defaultAgent } from '../../agents/membership.ts';
import { reapProcess } from '../../agents/reaper.ts';
import { pack } from '../../codec/plain.ts';
import { StateError } from '../../errors.ts';
import { keepFor } from '../../objects/keeping.ts';
import { platform } from '../../platform/current.ts';
import { isMainThread } from '../../this-thread.ts';
import { blockThread } from '../../waiting/blocking.ts';
import { forgetChild, noteChild } from '../../waiting/looking-around.ts';
import type { ChildOptions } from '../child.ts';
import { Child, idOf, isSelf } from '../child.ts';
import { codeForProcess } from '../code.ts';
import { addressOf } from '../gift.ts';
import { identity, nextProcessPath } from '../identity.ts';
import type { ChildJob, Running } from '../launch.ts';
import { foldersForProcess, optionsShown } from '../node-options.ts';
import type { JobFiles, ProcessJob } from './process-files.ts';
import { CODE_DESCRIPTOR, hasBegun, isFinished, stdioWith, takeOutcome, writeJob } from './process-files.ts';
import { refilling, takeSpare } from './spares.ts';
import type { StartedNode } from './spawn-node.ts';
import { spawnNode } from './spawn-node.ts';
import type { WarmOptions } from './warm.ts';
import { warm } from './warm.ts';

/** Options of a Process. */
export type ProcessOptions<
  Result = unknown,
  Args extends readonly unknown[] = readonly unknown[],
> = ChildOptions<Result, Args>;

/**
 * A process that runs a target: an exported function, or the `run` of an exported subclass.
 *
 * The child imports the target's module, so code at the top level of that module also runs in the
 * child, unless it is guarded by `if (isMainProcess)`. The child ends when the target is done and
 * its event loop is empty. If the target throws, the child prints the error and exits with code 1.
 * Before the program ends, it waits for its processes; daemon processes it ends instead.
 *
 * *If the program is killed*, its daemon processes are killed, too; other processes go on. *If the
 * child dies*, its locks are freed, `sentinel` aborts, and `result` rejects with `WorkerDiedError`.
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
    super('Process', { name: `Process-${path.join(':')}`, daemon: false }, options, (asked) =>
      launch(asked, path),
    );
  }

  /**
   * Keeps `count` spare processes for this thread: they are started in advance, have loaded
   * Lockstep, and sleep. `start()` then uses a spare instead of starting a new Node, and a new
   * spare is made a little later. A spare takes about 40 MB of memory and no processor time. With
   * 0, all spares end.
   *
   * A spare is used only if it can behave exactly like a process that is started now. It gets the
   * current environment, arguments, working directory and umask. If Node's options, the user or the
   * processors have changed, a new Node is started instead. The modules of `preload` are loaded in
   * advance, once: leave out modules that read the state of the moment.
   *
   * Resolves to the number of spares that are ready. It is 0 under coverage, a profiler, a debugger
   * or Node's permission model, because spares can't be used there. Rejects with `TargetError` if a
   * module of `preload` can't be loaded, and with `WorkerDiedError` if a spare ends before it is
   * ready. Throws `StateError` in a daemon process, which may not have children.
   */
  static warm(count: number, options: WarmOptions = {}): Promise<number> {
    return warm(count, options);
  }

  /** Process id; `null` until the process is started. */
  get pid(): number | null {
    return isSelf(this) ? process.pid : idOf(this);
  }
}

function launch(asked: ChildJob, path: readonly number[]): Running {
  const { title, name, daemon } = asked;
  const own = identity().process;
  if (own.daemon) {
    throw new StateError(
      `${title}: can't be started, ${own.name} is a daemon and those may not have children; start it elsewhere`,
    );
  }
  // Encode the arguments before anything is started.
  const { parcel: cargo, shared } = pack(
    asked.cargo,
    'process',
    `${title}:`,
    asked.isMethod ? 'this' : 'args',
  );
  for (const { cell } of shared)
    cell.agent.namespace.directory.checkUser(`${title}: can't be started, a shared object in its arguments`);
  // Write the job.
  const agent = defaultAgent();
  const parent = { pid: process.pid, name: own.name };
  const { start, next } = foldersForProcess();
  const options = optionsShown();
  const job: ProcessJob = {
    identity: { name, path, daemon, parent },
    folder: agent.folder,
    target: asked.target,
    isMethod: asked.isMethod,
    cargo,
    workingFolder: next,
    parent: addressOf(agent),
    ...(isMainThread ? {} : { startedBy: platform.systemThread() }),
  };
  // Start the process, from a spare if there is one.
  const { child, files } = begin(agent, job, start, title);
  const { pid } = child;
  noteChild(pid);
  let exitCode: number | null = null;
  let ran = false;
  child.once('exit', (code, signal) => {
    exitCode ??= code ?? -(signal === null ? 0 : constants.signals[signal]);
    asked.onEnd();
  });
  // Read the exit code also while the event loop is blocked.
  const peek = (): number | null => {
    if (exitCode !== null) return exitCode;
    const exit = platform.peekExit(pid);
    if (exit === null) return null;
    exitCode = exit.signal === undefined ? exit.code : -exit.signal;
    return exitCode;
  };
  // Keep the shared arguments open until the child has them.
  const endKeeping = keepFor(shared, () => isFinished(files) || peek() !== null);
  return {
    id: pid,
    peek,
    block: (deadline) =>
      void platform.watchExit(pid, (sleep) => blockThread(refilling(sleep), deadline, pid)),
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

/** Has a process run the job: a spare, or one that is started now. */
function begin(
  agent: Agent,
  job: ProcessJob,
  start: string | undefined,
  title: string,
): { child: StartedNode; files: JobFiles } {
  for (let taken = takeSpare(); taken !== undefined; taken = takeSpare()) {
    const { spare, takeover } = taken;
    try {
      writeJob(agent, { ...job, takeover }, title, spare.files);
      if (spare.wake()) return spare;
    } catch (error) {
      spare.giveUp();
      throw error;
    }
    spare.giveUp();
  }
  const files = writeJob(agent, job, title);
  try {
    const code = codeForProcess(agent);
    const command = code === undefined ? files.job : `${files.job}:${CODE_DESCRIPTOR}`;
    return { child: spawnNode(command, stdioWith(files, code), start, title), files };
  } catch (error) {
    takeOutcome(files);
    throw error;
  }
}
