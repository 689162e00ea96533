/** Core: the common part of all objects of one connection. */

import type { Deadline } from '../../deadline.ts';
import { LeaseLostError } from '../../errors.ts';
import type { Bell, Bells } from '../bells.ts';
import type { Calls } from '../calls.ts';
import type { CallId, Machine } from '../machines/machine.ts';
import type { Result } from '../pending.ts';
import type { Session } from '../session.ts';
import type { ClusterHold } from './cluster-hold.ts';
import type { Stays } from './stays.ts';

export interface Core {
  readonly calls: Calls;
  readonly session: Session;
  readonly bells: Bells;
  readonly stays: Stays;
  /** The holds of this connection, by key; the latest last. */
  readonly holds: Map<string, ClusterHold[]>;
}

/** Makes a call that does not wait, in the present session. */
export async function perform<State, Call, Reply>(
  { calls, session }: Core,
  key: string,
  machine: Machine<State, Call, Reply>,
  callAs: (id: CallId) => Call,
): Promise<Result<Reply>> {
  await session.ready();
  const id = session.nextCall();
  return calls.make(key, machine, id, callAs(id));
}

/**
 * Makes a call that only looks. It does no harm twice, so a lost lease does not end it: it is made
 * again in the next session.
 */
export async function look<State, Call, Reply>(
  core: Core,
  key: string,
  machine: Machine<State, Call, Reply>,
  call: Call,
): Promise<Reply> {
  for (;;) {
    try {
      return (await perform(core, key, machine, () => call)).reply;
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error;
    }
  }
}

/**
 * The promise's value; `undefined` when the deadline is over first. Neither is cancelled.
 */
export async function within<Value>(
  promise: Promise<Value>,
  deadline: Deadline,
  core: Core,
): Promise<Value | undefined> {
  if (deadline.unlimited) return promise;
  const bell = core.bells.hang('');
  // Nobody handles the promise if it settles too late.
  promise.catch(() => undefined);
  const late = untilOver(bell, deadline);
  try {
    return await Promise.race([promise, late]);
  } finally {
    bell.unhang();
  }
}

/** Waits again after each ring: every renewal rings all bells, so a ring is not the end. */
async function untilOver(bell: Bell, deadline: Deadline): Promise<undefined> {
  while (await bell.next(deadline, 0));
}
