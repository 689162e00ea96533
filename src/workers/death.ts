/**
 * Death: describes the end of a child without an outcome: how it ended, whether Lockstep ever ran
 * in it, and where to look.
 */

import { constants } from 'node:os';
import { WorkerDiedError } from '../errors.ts';
import type { Death } from './launch.ts';

/** Exit code of a Node that does not take an option, or finds no file that one names. */
const INVALID_ARGUMENT = 9;

/** Signals by which Node, V8 and native code end themselves. */
const ABORTS: ReadonlySet<number> = new Set([
  constants.signals.SIGABRT,
  constants.signals.SIGTRAP,
  constants.signals.SIGILL,
]);

/** Why a child that is called `title` has no result. `code` as in `exitCode`. */
export function deathOf(
  kind: 'Process' | 'Thread',
  title: string,
  code: number,
  { ran, options, cause }: Death,
): WorkerDiedError {
  const killed = kind === 'Process' && code < 0;
  const ended = killed ? `was killed by signal ${-code}` : `ended with exit code ${code}`;
  const when = killed ? '' : ran ? ' before its target was done' : ' before Lockstep ran in it';
  const early = killed && !ran ? 'Lockstep did not run in it yet: ' : '';
  const why = cause === undefined ? '' : ` (${reasonOf(cause)})`;
  const advice = adviceFor(cause) ?? (killed ? adviceForSignal(-code) : undefined);
  return new WorkerDiedError(
    `${title}: has no result, it ${ended}${when}${why}; ${early}` +
      (advice ??
        (ran ? 'look for what ended it, or let its target return' : adviceForStart(kind, code, options))),
    cause === undefined ? undefined : { cause },
  );
}

function adviceFor(cause: unknown): string | undefined {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const text = cause instanceof Error ? cause.message : '';
  if (code === 'EMFILE' || code === 'ENFILE' || /\bE[MN]FILE\b/.test(text)) {
    return 'raise the limit of open files (ulimit -n), or start fewer children at a time';
  }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return 'raise --max-old-space-size, or keep less in its heap';
  }
  if (code === 'ERR_WORKER_INIT_FAILED') {
    return 'check the limits of this process (ulimit -n, -u, -v), or start fewer threads at a time';
  }
  return undefined;
}

function adviceForSignal(signal: number): string | undefined {
  if (ABORTS.has(signal)) {
    return (
      'Node ends like that when its heap is full (raise --max-old-space-size), when it gets no memory (ulimit -v), ' +
      'or when a native addon fails: see what it printed on standard error'
    );
  }
  if (signal === constants.signals.SIGKILL) {
    return 'somebody killed it, or the kernel did for want of memory (see dmesg)';
  }
  return undefined;
}

function adviceForStart(kind: 'Process' | 'Thread', code: number, options: string): string {
  const given = options === '' ? '' : ` (${options})`;
  if (kind === 'Thread') return `see what it printed, and what is loaded before the program${given}`;
  if (code === INVALID_ARGUMENT) {
    return `Node refused its options${given} or found no file that they name: see what it printed on standard error`;
  }
  return (
    `see what it printed on standard error, whether process.execPath (${process.execPath}) is Node, ` +
    `and what is loaded before the program${given}`
  );
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.split('\n', 1)[0]! : String(cause);
}
