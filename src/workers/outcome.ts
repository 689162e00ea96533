/** Outcome: what a child leaves behind for `result`: what its target returned, or the error that ended it. */

import type { Destination, Parcel } from '../codec/parcel.ts';
import { pack, unpack } from '../codec/parcel.ts';

export type Outcome = { readonly kind: 'returned' | 'threw'; readonly parcel: Parcel };

/** Outcome of a target that returned. If that can't be sent, the outcome is the error that says so. */
export function returned(value: unknown, to: Destination, title: string): Outcome {
  try {
    return { kind: 'returned', parcel: pack(value, to, `${title}: its result refused,`, 'result') };
  } catch (error) {
    return threw(error, to);
  }
}

/** Outcome of a target that threw `error`, whatever that is. */
export function threw(error: unknown, to: Destination): Outcome {
  try {
    return { kind: 'threw', parcel: pack(error, to, '', 'error') };
  } catch (refusal) {
    return { kind: 'threw', parcel: pack(refusal, to, '', 'error') };
  }
}

/** Settles a promise as the outcome says. */
export function settle(
  outcome: Outcome,
  resolve: (value: unknown) => void,
  reject: (reason: unknown) => void,
): void {
  let value: unknown;
  try {
    value = unpack(outcome.parcel);
  } catch (error) {
    reject(error);
    return;
  }
  if (outcome.kind === 'returned') resolve(value);
  else reject(value);
}
