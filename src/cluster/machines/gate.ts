/**
 * Gate: the common part of Event and Latch: a state that opens, and its waiters.
 *
 * A waiting call is in the document until the gate opens; the opening step takes all of them out
 * and rings them. So a living waiter that is no longer in the document has passed, even if the
 * event was cleared again before it looked. A dead waiter is taken out, too, but it never gets a
 * reply: a store reads for living sessions only.
 */

import type { CallId, Facts, Machine, Step } from './machine.ts';
import { isDead, ringsTo, step } from './machine.ts';

export interface Gate {
  /** Left to count down; an event that is set has 0, one that is not has 1. */
  readonly left: number;
  readonly waiting: readonly CallId[];
}

export type GateCall =
  | { readonly op: 'wait'; readonly call: CallId; readonly joins: boolean }
  | { readonly op: 'leave'; readonly call: CallId }
  | { readonly op: 'count'; readonly call: CallId; readonly n: number }
  | { readonly op: 'shut'; readonly call: CallId }
  | { readonly op: 'look' };

export type GateReply =
  | { readonly is: 'open' | 'waiting' }
  | { readonly is: 'done'; readonly left: number }
  | { readonly is: 'view'; readonly left: number; readonly waiting: number };

export interface GateOptions {
  readonly kind: string;
  readonly left: number;
  /**
   * Whether a document in its first state is kept: a latch's count can't be derived from a default.
   */
  readonly keeps: boolean;
}

export function gateMachine(options: GateOptions): Machine<Gate, GateCall, GateReply> {
  return {
    kind: options.kind,
    callsIn: ({ waiting }) => waiting,
    apply: (state, call, facts) => pass(state, call, facts, options),
  };
}

function pass(
  given: Gate | undefined,
  call: GateCall,
  facts: Facts,
  { left: first, keeps }: GateOptions,
): Step<Gate, GateReply> {
  const before = given ?? { left: first, waiting: [] };
  const alive = before.waiting.filter((id) => !isDead(id, facts));
  const to = (left: number, waiting: readonly CallId[], reply: GateReply): Step<Gate, GateReply> => {
    const opens = left === 0 && waiting.length > 0;
    // One step may remove a dead call and take in another: the length says too little.
    const sameCalls =
      waiting.length === before.waiting.length && waiting.every((id, i) => id === before.waiting[i]);
    const same = left === before.left && sameCalls;
    if (same && (given !== undefined || !keeps || call.op === 'look')) return step(given, reply);
    const idle = !keeps && left === first && waiting.length === 0;
    return step(
      idle ? undefined : { left, waiting: opens ? [] : waiting },
      reply,
      opens ? ringsTo(waiting) : undefined,
    );
  };
  switch (call.op) {
    case 'wait': {
      const waits = alive.includes(call.call);
      if (before.left === 0 || (!waits && !call.joins)) return to(before.left, alive, { is: 'open' });
      return to(before.left, waits ? alive : [...alive, call.call], { is: 'waiting' });
    }
    case 'leave': {
      const waits = alive.includes(call.call);
      const others = alive.filter((id) => id !== call.call);
      return to(before.left, others, { is: waits ? 'waiting' : 'open' });
    }
    case 'count': {
      const left = Math.max(0, before.left - call.n);
      return to(left, alive, { is: 'done', left });
    }
    case 'shut':
      return to(first, alive, { is: 'done', left: first });
    case 'look':
      return to(before.left, alive, { is: 'view', left: before.left, waiting: alive.length });
  }
}
