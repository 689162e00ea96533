/** Value: one number. Every call returns the number before; `once` keeps repeated calls apart. */

import type { CallId, Machine, Step } from './machine.ts';
import { step } from './machine.ts';

export interface ValueState {
  readonly value: number;
}

export type ValueCall =
  | { readonly op: 'get' }
  | { readonly op: 'add' | 'set'; readonly call: CallId; readonly operand: number; readonly guard: number }
  | {
      readonly op: 'compare';
      readonly call: CallId;
      readonly expected: number;
      readonly operand: number;
      readonly guard: number;
    };

export type ValueReply =
  | { readonly is: 'was'; readonly value: number }
  | { readonly is: 'range'; readonly value: number }
  /** The call's token is smaller than an earlier one. */
  | { readonly is: 'stale'; readonly guard: number };

/** A value with its guard: the largest token with which it was written. */
export interface GuardedValue extends ValueState {
  readonly guard: number;
}

export function valueMachine(initial: number): Machine<GuardedValue, ValueCall, ValueReply> {
  return {
    kind: 'Value',
    callsIn: () => [],
    apply: (given, call): Step<GuardedValue, ValueReply> => {
      const state = given ?? { value: initial, guard: 0 };
      const { value } = state;
      if (call.op === 'get') return step<GuardedValue, ValueReply>(given, { is: 'was', value });
      if (call.guard !== 0 && call.guard < state.guard)
        return step<GuardedValue, ValueReply>(given, { is: 'stale', guard: state.guard });
      if (call.op === 'compare' && value !== call.expected)
        return step<GuardedValue, ValueReply>(given, { is: 'was', value });
      const next = call.op === 'add' ? value + call.operand : call.operand;
      const exact = Number.isSafeInteger(value) && Number.isSafeInteger(call.operand);
      if (!(exact && call.op === 'add' ? Number.isSafeInteger(next) : Number.isFinite(next)))
        return step<GuardedValue, ValueReply>(given, { is: 'range', value });
      const guard = Math.max(state.guard, call.guard);
      return step<GuardedValue, ValueReply>({ value: next, guard }, { is: 'was', value });
    },
  };
}
