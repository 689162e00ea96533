/** Segment: a part of a schedule in which one actor runs, and what is counted of them. */

import type { Choice } from './choices.ts';
import type { State } from './state.ts';

/**
 * The results that an actor has seen so far: the first `length` results of `results`, which may go
 * on in another schedule.
 */
export interface Log {
  readonly results: number[];
  readonly length: number;
}

/** A segment to be run. */
export interface Segment {
  readonly state: State;
  readonly logs: readonly Log[];
  readonly actor: number;
  readonly choice: Choice;
  /** Preemptions left. */
  readonly left: number;
  /**
   * The segment in which this one was found, how many operations its actor had done, and who died
   * there.
   */
  readonly from: Segment | undefined;
  readonly after: number;
  readonly dead: number | undefined;
}

export interface Counts {
  preemptions: number;
  states: number;
  segments: number;
  crashPoints: number;
  endings: number;
}
