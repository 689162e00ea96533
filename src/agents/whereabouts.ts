/**
 * Whereabouts: a thread's report of its stacks, when an observer outside asks
 * (`lockstep why --stacks`).
 *
 *   REPORT of the control segment   counts the requests   the observer, with a write to the file
 *   the file `stack-<slot>`         the answer, as JSON   the agent in that slot
 *
 * The asker raises REPORT, then writes a byte into the agent's rouse FIFO and the ring 0 into its
 * bell. A blocked thread compares REPORT with the last value that it saw whenever it looks around.
 * An event loop does so when it is rung for everything. If REPORT has changed, the thread replaces
 * its last answer. A blocked thread's stack is that of the blocked call; for awaiting calls the
 * answer gives their origin.
 *
 * Nothing depends on any of this. If an asker is killed after raising REPORT, the threads answer,
 * and nobody reads it. An agent that is killed while it writes leaves a file under another name,
 * and the last answer, which is older than the question. A byte that comes between a thread's look
 * and its sleep ends that sleep early. Two askers at once may raise REPORT to the same number: they
 * read the same answers.
 */

import { glance } from '#atomics';
import { commonTime } from '#park';
import type { Words } from '../memory/atomics.ts';
import { REPORT_WORD, TIME_MASK } from '../memory/layout.ts';
import { replaceFile } from '../namespaces/data-files.ts';
import { whereaboutsFile } from '../namespaces/paths.ts';
import { framesOf, noteOrigin } from '../stacks.ts';
import { threadId } from '../this-thread.ts';
import type { Host } from './cell.ts';

/** Contents of the file `stack-<slot>`. */
export interface Whereabouts {
  readonly pid: number;
  readonly threadId: number;
  /** When it was written: common milliseconds, 31 bits. */
  readonly at: number;
  /** The program's frames of the blocked call; `null` where the thread is not blocked. */
  readonly stack: string | null;
  /** The calls that await. */
  readonly calls: readonly CallBegun[];
  /** How many more there are. */
  readonly more: number;
}

/** A call that awaits an object. */
export interface CallBegun {
  readonly cell: number;
  /** Milliseconds for which it has waited. */
  readonly lasted: number;
  /** The program's frames from which it began. */
  readonly stack: string;
}

/** Maximum number of calls that are reported, and of characters in each stack. */
const MOST_CALLS = 20;
const MOST_STACK = 4000;

/** Counts the requests so far. */
export function requestsIn(words: Words): number {
  return glance(words, REPORT_WORD);
}

/** Writes down where this thread is. Never throws: an asker that gets no answer says so. */
export function writeWhereabouts({ namespace, cells, slot }: Host, isBlocked: boolean): void {
  const begun = [...cells.values()].flatMap((cell) =>
    cell.callsBegun().map(({ since, origin }) => ({
      cell: cell.number,
      lasted: commonTime() - commonTime(since),
      stack: framesOf(origin).slice(0, MOST_STACK),
    })),
  );
  const whereabouts: Whereabouts = {
    pid: process.pid,
    threadId,
    at: commonTime() & TIME_MASK,
    stack: isBlocked ? framesOf(noteOrigin()).slice(0, MOST_STACK) : null,
    calls: begun.slice(0, MOST_CALLS),
    more: Math.max(0, begun.length - MOST_CALLS),
  };
  const file = whereaboutsFile(slot);
  try {
    replaceFile(namespace.directory, file, `${file}.new`, JSON.stringify(whereabouts));
  } catch {
    // There is no room or no descriptor, or the folder is gone. The wait itself must not fail
    // because of that.
  }
}
