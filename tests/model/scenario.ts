/** Scenario: a few actors, what each of them does with a few shared objects, and what must hold. */

import type { Agent, Namespace, SharedObject } from './internals.ts';
import type { Library } from './library.ts';
import type { State } from './state.ts';

/**
 * Gives each agent its end of the same objects: makes one when asked first, opens it for all who
 * come after.
 */
export type Share = <Shared extends SharedObject>(
  make: () => Shared,
  open: (handle: string) => Shared,
) => Shared;

/** The objects of an actor's code. */
export interface Tools<Things> {
  /** Its number, from 0 on. */
  readonly me: number;
  readonly lib: Library;
  readonly agent: Agent;
  readonly namespace: Namespace;
  readonly things: Things;
  /** Stands for code of its own: others may run meanwhile, and it may die there. */
  pause(): void;
  /**
   * Notes something together with the operation before it. Not done again when the code is run
   * again.
   */
  note(change: (ghosts: State) => void): void;
  /** Reads something that was noted, together with the operation before it. */
  look(read: (ghosts: State) => number): number;
  /** Whether actor `actor` has died. Only within `note`. */
  isDead(actor: number): boolean;
  /** Whether actor `actor` is blocked, or its event loop has nothing to do. Only within `note`. */
  isWaiting(actor: number): boolean;
  /** Reports a violation unless `holds`. */
  check(holds: boolean, message: string): void;
}

/** The state of a run in which no actor can continue. */
export interface Ending<Things> {
  readonly lib: Library;
  readonly ghosts: State;
  /** Actors that wait for something, that have come to their end, and that have died. */
  readonly waiting: readonly number[];
  readonly done: readonly number[];
  readonly dead: readonly number[];
  /**
   * The objects, as a newly joined agent sees them. It can't wait: everything it needs has to be
   * there.
   */
  readonly things: Things;
  readonly agent: Agent;
  readonly namespace: Namespace;
  check(holds: boolean, message: string): void;
}

export interface Actor<Things> {
  /** The code. An actor whose code awaits has an event loop. */
  run(tools: Tools<Things>): void | Promise<void>;
  /** Whether its waits may time out (which its code has to ask for). */
  readonly timed?: boolean;
  /** Whether it may die. Default: if any may. */
  readonly mortal?: boolean;
  /** Whether it finds that it has waited long whenever it is woken. */
  readonly slow?: boolean;
}

export interface Scenario<Things> {
  readonly name: string;
  things(share: Share, lib: Library): Things;
  /**
   * Sets words of the objects that were just made, before anyone else comes: counters near their
   * end, say.
   */
  begin?(things: Things, namespace: Namespace): void;
  readonly actors: readonly Actor<Things>[];
  /**
   * How many actors may die (each after the other, and the reaper too when more than one may).
   * Default 0.
   */
  readonly deaths?: number;
  /** How many waits may time out, of actors that are timed. Default 0. */
  readonly timeouts?: number;
  /** How often a sleeper may wake by itself, to look around. Default 0. */
  readonly naps?: number;
  /** Preemptions in the usual run, and in the deep one. */
  readonly preemptions: readonly [usual: number, deep: number];
  /** Whether those that wait in the end have to. Default: nobody may wait. */
  mayWait?(ending: Ending<Things>): boolean;
  /** Checked in every ending. */
  settled?(ending: Ending<Things>): void;
}

/** A scenario, whatever its objects are. */
export type AnyScenario = Scenario<unknown>;
