/** Places: the parts of an acquirable object, common to its modules. */

import { inspect } from 'node:util';
import { LeaseLostError, NameTakenError } from '../../errors.ts';
import type { PlacesMachine } from '../machines/kinds.ts';
import type { PlacesReply } from '../machines/places.ts';
import type { Core } from './core.ts';

/** The parts of an acquirable object. */
export interface Places {
  readonly core: Core;
  readonly name: string;
  readonly key: string;
  readonly machine: PlacesMachine;
  /** How many places one acquisition takes. */
  readonly each: number;
  /** Whether holders are noted at the server, and lose their places with the lease. */
  readonly leased: boolean;
  readonly title: string;
}

/** The error of a call to an object that was made with another number. */
export function differs({ title }: Places, reply: PlacesReply): Error {
  if (reply.is !== 'differs') throw new Error(`${title}: unexpected reply ${inspect(reply)}`);
  return new NameTakenError(
    `${title}: refused, the one of that name has ${reply.of} permits in all; make it with the same number`,
  );
}

/**
 * Ignores the loss of a hold that was about to be given back, because its places are free anyway.
 */
export function ignoreLoss(error: unknown): void {
  if (!(error instanceof LeaseLostError)) throw error;
}
