/**
 * Outcome: the result of a child for `result`: the value that its target returned, or the error
 * that ended it.
 */

import { CHECKS_ARGUMENTS } from '../checks.ts';
import { warnOfLosses } from '../codec/losses.ts';
import type { Destination, Packed, Parcel } from '../codec/parcel.ts';
import { open, pack } from '../codec/plain.ts';
import type { SharedObject } from '../objects/shared-object.ts';
import type { Gift } from './gift.ts';
import { receiveGift } from './gift.ts';

export interface Outcome {
  readonly kind: 'returned' | 'threw';
  readonly parcel: Parcel;
  /** The holder of the shared objects in it. */
  readonly gift?: Gift | undefined;
}

/** An outcome that is about to be sent, and the shared objects in it. */
export interface Sending {
  readonly outcome: Outcome;
  readonly shared: readonly SharedObject[];
}

/**
 * Outcome of a target that returned. If that can't be sent, the outcome is the error that says so.
 */
export function returned(value: unknown, to: Destination, title: string): Sending {
  if (CHECKS_ARGUMENTS) warnOfLosses(value, `${title}:`, 'its result');
  try {
    return sending('returned', pack(value, to, `${title}:`, 'its result'));
  } catch (error) {
    return threw(error, to);
  }
}

/** Outcome of a target that threw `error`, which may be any value. */
export function threw(error: unknown, to: Destination): Sending {
  try {
    return sending('threw', pack(error, to, '', 'error'));
  } catch (refusal) {
    return sending('threw', pack(refusal, to, '', 'error'));
  }
}

function sending(kind: Outcome['kind'], { parcel, shared }: Packed): Sending {
  return { outcome: { kind, parcel }, shared };
}

/** Settles a promise by the outcome. */
export function settle(
  outcome: Outcome,
  resolve: (value: unknown) => void,
  reject: (reason: unknown) => void,
): void {
  let value: unknown;
  try {
    const letGo = outcome.gift === undefined ? undefined : receiveGift(outcome.gift);
    try {
      value = open(outcome.parcel);
    } finally {
      letGo?.();
    }
  } catch (error) {
    reject(error);
    return;
  }
  if (outcome.kind === 'returned') resolve(value);
  else reject(value);
}
