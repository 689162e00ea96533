/** What the reaper has to know of each kind of object. Each primitive's file registers its own. */

import type { Place } from '../memory/arena.ts';
import type { Words } from '../memory/atomics.ts';
import type { Namespace } from './namespace.ts';

export interface Kind {
  /** The class's name, as in handles and messages. */
  readonly name: string;
  /** Frees what the dead agent held of the object. Sleepers are woken afterwards, by the reaper. */
  recover?(namespace: Namespace, place: Place, dead: number): void;
  /** Makes good for a wait entry that the dead agent left: `at` is the entry's first word in `words`. */
  withdraw?(namespace: Namespace, place: Place, dead: number, words: Words, at: number): void;
}

const kinds = new Map<number, Kind>();

export function registerKind(number: number, kind: Kind): void {
  kinds.set(number, kind);
}

export function kindNumbered(number: number): Kind | undefined {
  return kinds.get(number);
}
