/** BrokenError: why a barrier is broken, as the error that its parties get. */

import type { Cell } from '../../agents/cell.ts';
import { BrokenBarrierError, TargetError, WorkerDiedError } from '../../errors.ts';
import type { Failure } from './barrier-action.ts';
import { readFailure } from './barrier-action.ts';
import { breakerOf } from './raw-barrier.ts';

const TARGET_CODE = 'ERR_LOCKSTEP_TARGET';

/** The error for the parties of the round, which was broken. */
export function brokenError(cell: Cell, generation: number, title: string): BrokenBarrierError {
  const breaker = cell.closed ? undefined : breakerOf(cell);
  const advice = 'call reset() when all parties know of it';
  if (breaker === undefined) {
    return new BrokenBarrierError(
      `${title}: is broken, a party timed out, aborted, reset it or failed; ${advice}`,
    );
  }
  const { pid, slot, failed } = breaker;
  const identity = cell.agent.namespace.identity(slot);
  const who = identity.pid === pid ? `${identity.name} (pid ${pid})` : `pid ${pid}`;
  if (failed) {
    const cause = causeOf(readFailure(cell, generation, slot), who);
    return new BrokenBarrierError(
      `${title}: is broken, its action failed in ${who}: ${cause.message}; ${advice}`,
      { cause },
    );
  }
  const cause = new WorkerDiedError(`${who} died while it waited at the barrier`);
  return new BrokenBarrierError(`${title}: is broken, ${who} died while it waited; ${advice}`, {
    cause,
  });
}

/** The error with which the action failed in another party, as far as it is known here. */
function causeOf(failure: Failure | undefined, who: string): Error {
  const { name, code, message } = failure ?? { message: 'its error has it' };
  if (code === TARGET_CODE) return new TargetError(message);
  const cause = new Error(message);
  cause.stack = `${name ?? 'Error'}: ${message}\n    in ${who}`;
  return Object.assign(cause, { name: name ?? 'Error' }, code === undefined ? {} : { code });
}
