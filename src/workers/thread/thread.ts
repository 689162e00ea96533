/** Thread: a target running in a thread of this process, sharing memory with the others. */

import { inspect } from 'node:util';
import type { Worker, WorkerOptions } from 'node:worker_threads';
import { agentsOfThread, defaultAgent } from '../../agents/membership.ts';
import { reapThread } from '../../agents/reaper.ts';
import { pack } from '../../codec/plain.ts';
import { LockstepError, NotSendableError, PlatformError, TargetError } from '../../errors.ts';
import { keepFor } from '../../objects/keeping.ts';
import { newMappingLog, unmapLogged } from '../../platform/mapping-log.ts';
import { threadId } from '../../this-thread.ts';
import { blockThread } from '../../waiting/blocking.ts';
import type { ChildOptions } from '../child.ts';
import { Child, idOf, isSelf } from '../child.ts';
import { codeForThread } from '../code.ts';
import type { Gift } from '../gift.ts';
import { addressOf, refuseGift } from '../gift.ts';
import { identity, nextThreadNumber, THREAD_BOOTSTRAP } from '../identity.ts';
import type { ChildJob, Running } from '../launch.ts';
import type { ThreadNodeOptions } from '../node-options.ts';
import { optionsForThread, optionsShown } from '../node-options.ts';
import type { Outcome } from '../outcome.ts';
import { writeError } from '../write-fully.ts';
import { checkAddressSpace } from './address-space.ts';
import { Moving } from './moving.ts';
import { ThreadEnding } from './thread-ending.ts';
import type { ThreadData, ThreadMessage } from './thread-job.ts';
import { ThreadStatus } from './thread-status.ts';

/** Options of a Thread. */
export type ThreadOptions<
  Result = unknown,
  Args extends readonly unknown[] = readonly unknown[],
> = ChildOptions<Result, Args>;

/**
 * First Node in which the loaders of the main thread, such as tsx, also serve its worker threads.
 */
const LOADERS_REACH_THREADS = 22;

/**
 * A thread that runs a target: an exported function, or the `run` of an exported subclass.
 *
 * The same as Process, with these differences. The thread imports the target's module again, in the
 * same operating system process. It has `ident` instead of `pid`. `process.exit()` in the thread
 * ends only the thread; so do `terminate()` and `kill()`. A daemon thread does not keep the program
 * running. *If the thread ends in any way*, its locks are freed.
 */
export class Thread<Result = unknown, Args extends readonly unknown[] = readonly unknown[]> extends Child<
  Result,
  Args
> {
  constructor(options: ThreadOptions<Result, Args> = {}) {
    const { daemon } = identity().thread;
    super('Thread', { name: `Thread-${nextThreadNumber()}`, daemon }, options, launch);
  }

  /**
   * Number of the thread in its process (`threadId` of `node:worker_threads`); `null` until it is
   * started.
   */
  get ident(): number | null {
    return isSelf(this) ? threadId : idOf(this);
  }
}

function launch(asked: ChildJob): Running {
  const { title, name, daemon, target, isMethod } = asked;
  checkLoader(target.module, title);
  const { parcel: cargo, shared } = pack(asked.cargo, 'thread', `${title}:`, isMethod ? 'this' : 'args');
  for (const { cell } of shared)
    cell.agent.namespace.directory.checkUser(`${title}: can't be started, a shared object in its arguments`);
  const agent = defaultAgent();
  const own = identity();
  const status = new ThreadStatus();
  const mappings = newMappingLog();
  const { port1: inbox, port2: outcome } = new (workerThreads().MessageChannel)();
  const job = {
    identity: { ...own, thread: { name, daemon } },
    folder: agent.folder,
    target,
    isMethod,
    cargo,
    parent: addressOf(agent),
    status: status.words,
    mappings,
    code: codeForThread(),
    outcome,
  };
  const options = optionsShown();
  let failure: unknown;
  let worker: Worker;
  try {
    checkAddressSpace(title);
    worker = status.observe(
      () => {
        const started = startWorker({ lockstep: job }, title);
        // From its first moment: an error that nobody listens to would end this process.
        started.on('error', (error) => {
          failure = error;
        });
        return started;
      },
      (started) => void started.terminate(),
    );
  } catch (error) {
    inbox.close();
    throw codedError(error, title);
  }
  const id = worker.threadId;
  const ending = new ThreadEnding(worker, status);
  const endKeeping = keepFor(shared, () => status.hasOpened || status.peek() !== null);
  let exitCode: number | null = null;
  let left: Outcome | undefined;
  let given: Gift | undefined;
  const moving = new Moving(inbox, (message: ThreadMessage) => {
    given = message.gift ?? given;
    left = message.outcome;
  });
  const receive = (): Outcome | undefined => {
    while (left === undefined && moving.read());
    return left;
  };
  worker.on('error', (error) => {
    // Otherwise the thread has printed it.
    if (receive() === undefined) writeError(`Thread ${name}:\n${inspect(error)}\n`);
  });
  worker.once('exit', (code) => {
    exitCode ??= status.exitCode(code);
    asked.onEnd();
  });
  return {
    id,
    moving,
    peek() {
      exitCode ??= status.peek();
      return exitCode;
    },
    block(deadline) {
      const sleep = (milliseconds: number): boolean => {
        ending.enforce();
        return status.sleep(milliseconds);
      };
      blockThread(sleep, deadline, -id);
    },
    keepAlive: (on) => (on ? worker.ref() : worker.unref()),
    stop: () => ending.begin(),
    collect() {
      endKeeping();
      for (const each of agentsOfThread()) reapThread(each, id);
      unmapLogged(mappings);
      const received = receive();
      inbox.close();
      // It was terminated before the outcome itself was sent.
      if (received === undefined && given !== undefined) refuseGift(given);
      return received && { ...received, gift: given };
    },
    death: () => ({ ran: status.hasBegun, options, cause: failure }),
  };
}

/** Loaded by the first thread that is started. */
function workerThreads(): typeof import('node:worker_threads') {
  return process.getBuiltinModule('node:worker_threads');
}

function startWorker(data: ThreadData, title: string): Worker {
  const options: WorkerOptions = {
    workerData: data,
    transferList: [data.lockstep.outcome],
    argv: process.argv.slice(2),
    env: workerThreads().SHARE_ENV,
    name: data.lockstep.identity.thread.name,
  };
  try {
    return newWorker(options, optionsForThread());
  } catch (cause) {
    data.lockstep.outcome.close();
    // Also what is nested so deep that cloning it overflows the stack.
    if ((cause as Error).name !== 'DataCloneError' && !(cause instanceof RangeError)) throw cause;
    throw new NotSendableError(
      `${title}: can't be started, its arguments can't be sent (${(cause as Error).message}); send plain data or shared objects instead`,
      { cause },
    );
  }
}

/** A worker, with other options of Node than this program was given where `given` says so. */
function newWorker(options: WorkerOptions, given: ThreadNodeOptions | undefined): Worker {
  if (given === undefined) return new (workerThreads().Worker)(THREAD_BOOTSTRAP, options);
  const { NODE_OPTIONS } = process.env;
  // Read by the constructor, and by nothing in between.
  if (given.nodeOptions !== undefined) process.env.NODE_OPTIONS = given.nodeOptions;
  try {
    return workerWith(options, given.execArgv);
  } finally {
    if (given.nodeOptions !== undefined) process.env.NODE_OPTIONS = NODE_OPTIONS;
  }
}

/**
 * A worker with those of the options that a thread can have: Node lists the others when it refuses
 * them.
 */
function workerWith(options: WorkerOptions, execArgv: readonly string[]): Worker {
  try {
    return new (workerThreads().Worker)(THREAD_BOOTSTRAP, { ...options, execArgv: [...execArgv] });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const rest = execArgv.filter((option) => !message.includes(option));
    if (code !== 'ERR_WORKER_INVALID_EXEC_ARGV' || rest.length === execArgv.length) throw error;
    return workerWith(options, rest);
  }
}

/** The system's error, with a code of ours. */
function codedError(error: unknown, title: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const isOfNode = /^(E[A-Z]+|ERR_WORKER_INIT_FAILED|ERR_WORKER_OUT_OF_MEMORY|ERR_ACCESS_DENIED)$/;
  if (error instanceof LockstepError || code === undefined || !isOfNode.test(code)) return error;
  return new PlatformError(
    `${title}: can't be started, the system refused (${message}); ` +
      'check the limits of this process (ulimit -n, -u, -v), or start fewer threads at a time',
    { cause: error },
  );
}

/**
 * tsx on Node 20 serves the main thread only: better said here than by a thread that finds its
 * target unreadable.
 */
function checkLoader(module: string, title: string): void {
  if (Number.parseInt(process.versions.node, 10) >= LOADERS_REACH_THREADS || !/\.[cm]?tsx?$/.test(module))
    return;
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  if (!/\btsx\b/.test(options)) return;
  throw new TargetError(
    `${title}: target refused, ${module} is TypeScript and tsx does not reach the threads of Node ${process.versions.node}; ` +
      'use a Process, Node 22 or later, or compiled JavaScript',
  );
}
