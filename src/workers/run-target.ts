/** The work of every child: find its target, run it with its arguments, report the outcome. */

import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { inPhase } from '../agents/child-context.ts';
import type { Destination, Parcel } from '../codec/parcel.ts';
import { open } from '../codec/plain.ts';
import { TargetError } from '../errors.ts';
import { resolveReference } from '../functions/resolving.ts';
import { openPrepared } from '../objects/opened.ts';
import { withCaller } from '../stacks.ts';
import { standForSelf } from './child-state.ts';
import { becomeCurrent } from './current-worker.ts';
import type { Job } from './job.ts';
import type { Sending } from './outcome.ts';
import { returned, threw } from './outcome.ts';
import { writeError } from './write-fully.ts';

/** A job that has arrived in its child. */
export interface ReceivedJob extends Job<Parcel> {
  readonly kind: 'Process' | 'Thread';
  readonly name: string;
  readonly daemon: boolean;
  /** Called when the target's module is loaded, or can't be. */
  readonly loaded?: () => void;
  /** Called when the shared objects in the cargo are open. */
  readonly opened: () => void;
  /** Keeps the outcome for the parent. */
  readonly record: (outcome: Sending) => void;
}

/**
 * Exit code of a child whose target waits for something that can never come; Node uses the same for
 * such a program.
 */
const NEVER_SETTLED = 13;

/** Runs the target. Returns at once; the child ends when its event loop has nothing left to do. */
export function runTarget(job: ReceivedJob): void {
  const title = `${job.kind} ${job.name}:`;
  const to: Destination = job.kind === 'Process' ? 'process' : 'thread';
  let recorded = false;
  let drained = false;
  const drain = (): void => {
    drained = true;
  };
  const record = (outcome: Sending): void => {
    if (recorded) return;
    recorded = true;
    process.off('beforeExit', drain);
    job.record(outcome);
  };
  const fail = (error: unknown): void => {
    writeError(`${title}\n${shown(error)}\n`);
    process.exitCode = 1;
    record(threw(error, to));
  };
  let uncaught: { error: unknown } | undefined;
  // Only listens. A thread's uncaught error is printed here, as Node leaves that to the parent; a
  // process's is printed by Node.
  process.on('uncaughtExceptionMonitor', (error) => {
    uncaught = { error };
    if (job.kind === 'Thread') writeError(`${title}\n${shown(error)}\n`);
  });
  process.on('beforeExit', drain);
  process.on('exit', (code) => {
    if (uncaught !== undefined && code !== 0) record(threw(uncaught.error, to));
    if (recorded || !drained || code !== 0) return;
    writeError(
      `${title} its target is awaiting a promise that can never settle, as the event loop is empty\n`,
    );
    process.exitCode = NEVER_SETTLED;
  });
  call(job).then((value) => record(returned(value, to, `${job.kind} ${JSON.stringify(job.name)}`)), fail);
}

/** The error as text, even if its properties are broken. */
function shown(error: unknown): string {
  try {
    return inspect(withCaller(error, undefined, ''));
  } catch {
    return 'It threw something that throws itself when it is looked at.';
  }
}

async function call(job: ReceivedJob): Promise<unknown> {
  const { kind, name, daemon, target, isMethod } = job;
  // Find the function, then open its arguments.
  const found = await inPhase('importing', () => resolveReference(target)).finally(() => job.loaded?.());
  const cargo = await openPrepared(() => open(job.cargo));
  job.opened();
  if (!isMethod) return inPhase('target', () => found(...(cargo as unknown[])));
  // Make the object of a subclass without its constructor.
  const instance = Object.create(found.prototype as object) as { run(): unknown };
  if (typeof instance.run !== 'function') {
    throw new TargetError(
      `${kind} ${JSON.stringify(name)}: its class "${target.export}" has no run() here; declare it in the class`,
    );
  }
  EventEmitter.call(instance as unknown as EventEmitter);
  Object.assign(instance, cargo);
  // Let it stand for this child.
  standForSelf(instance, kind, name, daemon);
  becomeCurrent(kind, instance);
  try {
    return await inPhase('target', () => instance.run());
  } catch (cause) {
    throw explained(cause, `${kind} ${JSON.stringify(name)}`);
  }
}

/**
 * No constructor runs in a child, and only a constructor can give an object its private fields and
 * methods.
 */
function explained(error: unknown, title: string): unknown {
  if (!(error instanceof TypeError)) return error;
  const what = /\bprivate (?:member|field|method) '?(#[\p{ID_Continue}$]+)|^Receiver must be /u.exec(
    error.message,
  );
  if (what === null) return error;
  return new TargetError(
    `${title}: its run() can't use ${what[1] ?? 'a private method'} here, private fields and methods stay with the object that was started (${error.message}); ` +
      'make it an ordinary field ("private" or "_" instead of "#"), which is sent to the child',
    { cause: error },
  );
}
