/** What the reaper has to know of each kind of object. Each primitive's file registers its own. */

import type { Place } from '../memory/arena.ts';
import type { Words } from '../memory/atomics.ts';
import type { Namespace } from '../namespaces/namespace.ts';

/** What is the same for all objects of a class. */
export interface ObjectType {
  readonly kind: number;
  /** The class's name. */
  readonly name: string;
  /** Whether only the first of those who wait can be served. */
  readonly serial: boolean;
  /** Whether an agent's wait entry stays filled until it closes the object. */
  readonly lasting: boolean;
}

export interface Kind {
  /** The class's name, as in handles and messages. */
  readonly name: string;
  /** Frees what the dead agent held of the object. Sleepers are woken afterwards, by the reaper. */
  recover?(namespace: Namespace, place: Place, dead: number): void;
  /**
   * Makes good for a wait entry that the dead agent left: `at` is the entry's first word in
   * `words`.
   */
  withdraw?(namespace: Namespace, place: Place, dead: number, words: Words, at: number): void;
  /**
   * Whether the agent in that slot holds the object, or some of it. Left out: `holder` says so, or
   * it is nothing that is held.
   */
  holds?(namespace: Namespace, place: Place, slot: number): boolean;
  /** Slot of the agent that has to give the object back before anyone else gets it; 0: nobody. */
  holder?(place: Place): number;
  /**
   * Words of the cell, each the first of two, that tell of another object without which this one is
   * of no use: its number, then its generation.
   */
  readonly needs?: readonly number[];
  /** Whether others wait for the object's end. */
  readonly endIsAwaited?: boolean;
  /**
   * Whether the object is surely given back by its holder, and what the holding code awaits, if
   * that is known: see wait-for.ts.
   */
  pledge?(place: Place, holder: number): Pledge | undefined;
}

/** What an object's holder waits for while it holds it. */
export interface Pledge {
  /** Cell that the code which holds the object awaits; 0 where that is not known. */
  readonly wants: number;
  /** Tells that wait from others for the same cell. */
  readonly stamp: number;
}

const kinds = new Map<number, Kind>();

export function registerKind(number: number, kind: Kind): void {
  kinds.set(number, kind);
}

export function kindNumbered(number: number): Kind | undefined {
  return kinds.get(number);
}
