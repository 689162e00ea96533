/**
 * Act: the use that flows make of one kind of primitive, and the promises that must hold. One file
 * each in acts/, listed in acts/all.ts.
 */

import type { Flow } from './flow.ts';

/** A flow that is not at rest: its seat, and the phase of the act that it is in. */
export interface Player {
  readonly seat: number;
  readonly phase: number;
}

/** The supervisor's view while it waits for all flows to rest. */
export interface Intermission {
  /** The flows that are in this act. */
  readonly here: readonly Player[];
  /** Whether all who don't rest wait for relief, in whatever act. */
  readonly quiet: boolean;
  /** Milliseconds since it has been so. */
  readonly quietFor: number;
}

export interface Act<Things = unknown> {
  readonly name: string;
  /** Whether only flows whose part names this act play it. */
  readonly partiesOnly?: boolean;
  /**
   * Makes the shared objects; called once, by the supervisor. Its result is passed to every
   * member.
   */
  make(): Things;
  /** One operation of a flow. */
  play(flow: Flow, things: Things): Promise<void>;
  /** Whether the flow, between two operations, may rest now; by default it may. */
  mayRest?(flow: Flow, things: Things): boolean;

  // The rest is the supervisor's; `flow` is its own flow then.

  /**
   * The member of this seat was killed, in this phase of the act; 0: it was not in it. The seat is
   * empty still.
   */
  died?(flow: Flow, things: Things, seat: number, phase: number): void;
  /** Called every few milliseconds, at work and at rest. */
  tend?(flow: Flow, things: Things): void;
  /** All flows are about to be asked to rest; no more flows are killed. */
  calm?(flow: Flow, things: Things): void;
  /** Whether a flow in this phase may need `relieve` to come out. */
  awaitsRelief?(phase: number): boolean;
  /** Frees flows that wait for actions of others; called repeatedly. */
  relieve?(flow: Flow, things: Things, seen: Intermission): Promise<void>;
  /**
   * Everybody rests: reports what is not as it must be, and makes good what the dead took along.
   */
  check(flow: Flow, things: Things): Promise<void>;
  /** All members have ended: ends what the supervisor itself has begun. */
  end?(): Promise<void>;
  /** More rows for the outcome of the run. */
  rows?(): [name: string, value: string][];
}

/** An act among others, whatever its things. */
export function act<Things>(definition: Act<Things>): Act {
  return definition as Act;
}
