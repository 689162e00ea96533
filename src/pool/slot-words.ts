/**
 * Slot words: the bits of a slot's state, and of the number that an item carries. For who writes
 * them, and when, see task-table.ts.
 */

const PHASE_SHIFT = 28;
export const ABORT_BIT: number = 1 << 27;
const WORKER_SHIFT = 19;
const WORKER_MASK = 0xff;
export const GENERATION_MASK: number = 2 ** WORKER_SHIFT - 1;

export const PHASE = {
  FREE: 0,
  QUEUED: 1,
  RUNNING: 2,
  DONE: 3,
  CANCELLED: 4,
  DROPPED: 5,
  DOOMED: 6,
} as const;

export function phaseOf(state: number): number {
  return state >> PHASE_SHIFT;
}

export function workerOf(state: number): number {
  return (state >> WORKER_SHIFT) & WORKER_MASK;
}

export function generationOf(state: number): number {
  return state & GENERATION_MASK;
}

/** The facts about its slot in an item of a ring: slot and generation in one number. */
export function ticketOf(slot: number, generation: number): number {
  return (slot << WORKER_SHIFT) | generation;
}

export function slotOf(ticket: number): number {
  return ticket >> WORKER_SHIFT;
}

export function queued(generation: number): number {
  return (PHASE.QUEUED << PHASE_SHIFT) | generation;
}

export function running(worker: number, generation: number): number {
  return (PHASE.RUNNING << PHASE_SHIFT) | (worker << WORKER_SHIFT) | generation;
}

export function cancelled(generation: number): number {
  return (PHASE.CANCELLED << PHASE_SHIFT) | generation;
}

export function dropped(generation: number): number {
  return (PHASE.DROPPED << PHASE_SHIFT) | generation;
}

export function done(worker: number, generation: number): number {
  return (PHASE.DONE << PHASE_SHIFT) | (worker << WORKER_SHIFT) | generation;
}

export function doomed(worker: number, generation: number): number {
  return (PHASE.DOOMED << PHASE_SHIFT) | (worker << WORKER_SHIFT) | generation;
}
