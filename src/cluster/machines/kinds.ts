/** Kinds: the machine of each kind of object, and the calls of it that must be made only once. */

import type { BarrierCall, BarrierReply, BarrierState } from './barrier.ts';
import { barrierMachine } from './barrier.ts';
import type { Gate, GateCall, GateReply } from './gate.ts';
import { gateMachine } from './gate.ts';
import type { Machine } from './machine.ts';
import type { OnceState } from './once.ts';
import { once } from './once.ts';
import type { PlacesCall, PlacesReply } from './places.ts';
import { placesMachine } from './places.ts';
import type { QueueCall, QueueReply, QueueState } from './queue.ts';
import { queueMachine } from './queue.ts';
import type { Turnstile } from './turnstile.ts';
import type { GuardedValue, ValueCall, ValueReply } from './value.ts';
import { valueMachine } from './value.ts';

export type PlacesMachine = Machine<OnceState<Turnstile, PlacesReply>, PlacesCall, PlacesReply>;
export type GateMachine = Machine<OnceState<Gate, GateReply>, GateCall, GateReply>;
export type BarrierMachine = Machine<OnceState<BarrierState, BarrierReply>, BarrierCall, BarrierReply>;
export type ValueMachine = Machine<OnceState<GuardedValue, ValueReply>, ValueCall, ValueReply>;
export type QueueMachine = Machine<OnceState<QueueState, QueueReply>, QueueCall, QueueReply>;

/** A writer takes all places of an RWLock, a reader one: so many may read at once. */
export const WRITER_PLACES: number = 2 ** 20;

/**
 * Lock and RLock, and the lock of a condition. Their operations have an id in the state, all but
 * `notify`.
 */
export function lockOf(kind: string): PlacesMachine {
  return once(placesMachine({ kind, of: 1, owned: true, tells: true, keeps: false }), (call) =>
    call.op === 'notify' ? call.call : undefined,
  );
}

/** A plain permit has no noted holder, so the reply that gave it has to be kept. */
export function semaphoreOf(value: number): PlacesMachine {
  const options = { kind: 'Semaphore', of: value, owned: false, tells: false, keeps: true };
  return once(placesMachine(options), (call, reply) => {
    if (call.op === 'give') return call.call;
    if (call.op !== 'take') return undefined;
    return reply === undefined || reply.is === 'held' ? call.call : undefined;
  });
}

export function boundedSemaphoreOf(value: number): PlacesMachine {
  const options = { kind: 'BoundedSemaphore', of: value, owned: true, tells: false, keeps: false };
  return once(placesMachine(options), () => undefined);
}

export function rwlockOf(): PlacesMachine {
  const options = { kind: 'RWLock', of: WRITER_PLACES, owned: true, tells: true, keeps: false };
  return once(placesMachine(options), () => undefined);
}

export function eventOf(): GateMachine {
  return gateOf('Event', 1, false);
}

export function latchOf(count: number): GateMachine {
  return gateOf('Latch', count, true);
}

function gateOf(kind: string, left: number, keeps: boolean): GateMachine {
  return once(gateMachine({ kind, left, keeps }), (call) =>
    call.op === 'count' || call.op === 'shut' ? call.call : undefined,
  );
}

export function barrierOf(parties: number): BarrierMachine {
  return once(barrierMachine(parties), (call) => (call.op === 'view' ? undefined : call.call));
}

export function numberMachine(initial: number): ValueMachine {
  return once(valueMachine(initial), (call) => (call.op === 'get' ? undefined : call.call));
}

/** A delivery is in the state; the item that a `get` took is in its reply alone. */
export function queueOf(kind: 'Queue' | 'JoinableQueue'): QueueMachine {
  return once(queueMachine(kind, kind === 'JoinableQueue'), (call, reply) => {
    if (call.op === 'put') return reply === undefined || reply.is === 'put' ? call.call : undefined;
    if (call.op === 'get') return reply === undefined || reply.is === 'got' ? call.call : undefined;
    const repeats = call.op === 'receive' || call.op === 'leave' || call.op === 'join' || call.op === 'look';
    return repeats ? undefined : call.call;
  });
}
