/**
 * Board: the shared words by which members and supervisor know of each other. A *seat* is a flow of
 * a member: it stays when the member is killed and replaced; the member's *generation* goes up
 * then.
 */

import { appendFileSync } from 'node:fs';
import { type Word, word, words } from '../support/words.ts';
import { CAST, MEMBERS } from './cast.ts';

/** In `state`: between two operations, or not yet begun. */
export const BETWEEN = 0;
/** In `state`: at rest. */
export const RESTING = 1;
const PHASE_BITS = 4;
const PHASE_MASK = (1 << PHASE_BITS) - 1;
const SEAT_BITS = 6;
const SEAT_MASK = (1 << SEAT_BITS) - 1;

export interface Board {
  /** Of each seat: BETWEEN, RESTING, or the act and the phase of it that it is in. */
  state: Word[];
  /** Of each seat: its longest wait in milliseconds. */
  longest: Word[];
  /** Of each member: how many there were before. The supervisor counts as one more. */
  generation: Word[];
  /** Of each member: the last generation that was killed, or is about to be. */
  condemned: Word[];
  /** Of each act: operations begun. */
  operations: Word[];
  /** 1: every flow shall come to rest. */
  rest: Word;
  /** 1: every flow shall end. */
  stop: Word;
  recoveries: Word;
  violations: Word;
  /** Where violations are described. */
  file: string;
}

export function makeBoard(acts: number, file: string): Board {
  return {
    state: words(CAST.length),
    longest: words(CAST.length),
    generation: words(MEMBERS + 1, 1),
    condemned: words(MEMBERS + 1),
    operations: words(acts),
    rest: word(),
    stop: word(),
    recoveries: word(),
    violations: word(),
    file,
  };
}

/** The state of a flow in an act. */
export function stateOf(act: number, phase: number): number {
  return ((act + 1) << PHASE_BITS) | phase;
}

/** The act and phase of a state; `undefined` for BETWEEN and RESTING. */
export function actOf(state: number): { act: number; phase: number } | undefined {
  if (state <= PHASE_MASK) return undefined;
  return { act: (state >> PHASE_BITS) - 1, phase: state & PHASE_MASK };
}

/**
 * The word that a flow writes where it is alone: its seat, and its member's generation. Never 0.
 */
export function markOf(seat: number, generation: number): number {
  return (generation << SEAT_BITS) | seat;
}

/** Whether the member whose flow left this mark was killed, or is about to be. */
export function isDead(board: Board, mark: number): boolean {
  const { member } = CAST[mark & SEAT_MASK] as (typeof CAST)[number];
  return mark >> SEAT_BITS <= (board.condemned[member] as Word).value;
}

/** Whether the seat's present member was killed, or is about to be. */
export function isVacant(board: Board, seat: number): boolean {
  const { member } = CAST[seat] as (typeof CAST)[number];
  return (board.generation[member] as Word).value <= (board.condemned[member] as Word).value;
}

/** `flow 12 of member 3, its 5th generation`, for messages. */
export function describeMark(mark: number): string {
  const seat = mark & SEAT_MASK;
  return `flow ${seat} of member ${CAST[seat]?.member} (generation ${mark >> SEAT_BITS})`;
}

/** Counts a violation and writes down what it was. */
export function report(board: Board, text: string): void {
  // In one write at the end of the file: whole, also if this process is killed next.
  appendFileSync(board.file, `${JSON.stringify(text)}\n`);
  board.violations.add(1);
}
