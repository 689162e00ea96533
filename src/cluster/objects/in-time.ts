/**
 * InTime: how a waiting call ends when its time is over, and how it begins while there is no
 * session.
 *
 * "Not in time" is a statement about the object, and only the server can make it. So a call ends so
 * (`null`, `false`, `QueueEmptyError`) only if the server has answered its last request. Otherwise
 * it rejects with `StoreError`, because nobody knows then. An answer can be overdue:
 *
 *   the connection is down           the call waits `SILENT_MS` beyond its time
 *   the server has stopped silently  until the session is suspended: a store gives a request up
 *                                    after a third of a lease, or a second
 *   the caller has aborted           the answer does not matter: the call waits `SILENT_MS` at most
 *
 * A timeout of 0 asks the server once, and waits for its answer in the same way.
 */

import { Deadline } from '../../deadline.ts';
import type { Core } from './core.ts';
import { within } from './core.ts';

/** How long a call waits for an answer of a server that is out of reach. */
const SILENT_MS = 500;

/**
 * Waits for a live session. A call that has waited before waits until its deadline, others for a
 * lease at most. Each waits for `SILENT_MS` at least: a new session takes a moment. Throws
 * `StoreError`; `refused` begins its message.
 */
export async function untilReady(
  { session }: Core,
  deadline: Deadline,
  waited: boolean,
  refused: string,
): Promise<void> {
  if (session.lease.valid) return;
  const remaining = Math.max(SILENT_MS, deadline.remaining);
  const milliseconds = waited ? remaining : Math.min(session.leaseMs, remaining);
  await session.ready({ milliseconds, refused, signal: deadline.signal });
}

/** The answer to a request; `undefined` if the deadline is over and the server is silent. */
export async function inTime<Value>(
  made: Promise<Value>,
  deadline: Deadline,
  core: Core,
): Promise<Value | undefined> {
  if (deadline.unlimited) return made;
  const answer = deadline.expired ? undefined : await within(made, deadline, core);
  return answer ?? answerTo(made, deadline, core);
}

/** The same, of a call whose time is over. */
export async function answerTo<Value>(
  made: Promise<Value>,
  { signal }: Deadline,
  core: Core,
): Promise<Value | undefined> {
  for (;;) {
    const answer = await within(made, Deadline.from({ timeout: SILENT_MS }), core);
    if (answer !== undefined || core.session.state !== 'connected' || signal?.aborted === true) return answer;
  }
}

/**
 * Why a call without an answer ends: its caller has aborted it, or nobody knows the outcome.
 * `refused` begins the message.
 */
export function unanswered({ signal }: Deadline, { session }: Core, refused: string): unknown {
  return signal?.aborted === true ? signal.reason : session.outOfReach(refused);
}

/** Throws unless there is an answer, for a caller who still waits for it. */
export function checkAnswered<Value>(
  answer: Value | undefined,
  deadline: Deadline,
  core: Core,
  refused: string,
): asserts answer is Value {
  if (answer === undefined || deadline.signal?.aborted === true) throw unanswered(deadline, core, refused);
}
