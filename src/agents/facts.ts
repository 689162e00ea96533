/**
 * Facts: the state of an object, read from its words alone. `describe()` uses it, and so do
 * observers outside, on a copy of the words. Words that are read one after the other need not be
 * consistent, and they may be damaged. So every function of facts is bounded, and never throws.
 */

import type { Place } from '../memory/place.ts';
import type { NamespaceView } from '../namespaces/view.ts';

/** An agent's share of an object: a hold, or permits. */
export interface Holding {
  readonly slot: number;
  readonly as: 'owner' | 'writer' | 'reader' | 'permit';
  /** Permits that it has; how often an RLock's owner has taken it; 1 for everything else. */
  readonly count: number;
}

/**
 * The agents that can end a wait for the object: any one of its holders; all of its holders
 * together; anybody who has it open.
 */
export type EndedBy = 'holder' | 'every holder' | 'anybody';

/** Further facts: counts, flags. */
type Details = Readonly<Record<string, number | boolean>>;

export interface Facts<State extends Details = Details> {
  readonly holders: readonly Holding[];
  readonly endedBy: EndedBy;
  /**
   * Whether a wait for it may be over: it is free, it is set. `undefined` if that depends on the
   * waiter.
   */
  readonly over?: boolean | undefined;
  /** Whether agents other than its holders may give it back: see lock-words.ts. */
  readonly signal?: 'used' | 'allowed' | undefined;
  readonly state: State;
}

export type Describe<State extends Details = Details> = (view: NamespaceView, place: Place) => Facts<State>;
