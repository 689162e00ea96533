/**
 * Machine: does the operations of modelled actors, one at a time, on one state.
 *
 * An actor's code is run from its start again and again. As long as its log has results, operations
 * return those. Then each new one is first announced to the scheduler, which may end the run there:
 * the operation throws ABORT. So does every later one, so that `finally` blocks on the way out
 * change nothing. A blocking operation (a sleep on a futex) ends the run in the same way.
 */

import type { Words } from './internals.ts';
import { CONTROL_WORDS } from './internals.ts';
import type { State } from './state.ts';
import {
  ASLEEP,
  AWAITS_DEATH,
  actorWord,
  BELL,
  change,
  DEAD,
  HASH,
  HASH_WORDS,
  IN_BERTH,
  MAX_ACTORS,
  mix,
  newState,
  placeOf,
  RESULT,
  ROUSED,
  RUNNING,
  SLEEPS_ON,
  SLOT_LOCK,
  STATUS,
} from './state.ts';

/** Thrown to end an actor's run. */
export const ABORT: object = Object.freeze({ name: 'Abort' });

/**
 * The kind of an operation. Those from PARK on are the kernel's, but for NOTE, which is the
 * scenario's, and done with the one before it.
 */
export const OP = {
  LOAD: 0,
  STORE: 1,
  CAS: 2,
  ADD: 3,
  SET_BITS: 4,
  CLEAR_BITS: 5,
  PARK: 6,
  UNPARK: 7,
  RING: 8,
  HANG: 9,
  DRAIN: 10,
  LOCK_SLOT: 11,
  UNLOCK_SLOT: 12,
  PAUSE: 13,
  AWAIT_DEATH: 14,
  NOTE: 15,
  DOZE: 16,
  ROUSE: 17,
} as const;

/** The outcome of a sleep. */
export const WOKEN = 0;
export const CHANGED = 1;
/** The interval passed after which sleepers look around. */
export const NAPPED = 2;
/** The time passed that its caller had given. */
export const TIMED_OUT = 3;

/** Told of each operation before it is done; returns `false` to end the run instead. */
export type Scheduler = (op: number, at: number, a: number, b: number) => boolean;

const buffer = new ArrayBuffer(CONTROL_WORDS * 4);
/** Stands for the control segment. Only agents' names are really in it; words are in the state. */
export const segment = { words: new Int32Array(buffer) as Words, buffer, address: 0 };

/** A violation that the running actor has come to, or found. */
export class Violation extends Error {}

class Machine {
  /** The state that operations change. */
  state: State = newState();
  /** The actor that runs; -1: everything is done at once, for nobody (to prepare or to inspect). */
  actor = -1;
  log: number[] = [];
  position = 0;
  aborted = false;
  /** The actor's idea of the time. */
  clock = 0;
  /** Whether a thread that was woken finds that it has waited long. */
  slow = false;
  violation: Violation | undefined;
  private scheduler: Scheduler = () => true;

  begin(actor: number, log: number[], slow: boolean, scheduler: Scheduler): void {
    this.actor = actor;
    this.log = log;
    this.position = 0;
    this.aborted = false;
    this.clock = 0;
    this.slow = slow;
    this.violation = undefined;
    this.scheduler = scheduler;
  }

  end(): void {
    this.actor = -1;
  }

  /** Whether what happens now happened before, and is only run again. */
  get replaying(): boolean {
    return this.position < this.log.length;
  }

  operate(op: number, at: number, a: number, b: number): number {
    if (this.actor < 0) return this.execute(op, at, a, b);
    if (this.aborted) throw ABORT;
    if (this.position < this.log.length) return this.log[this.position++]!;
    if (!this.scheduler(op, at, a, b)) this.abort();
    return this.note(this.execute(op, at, a, b));
  }

  /** Does something at once with the operation before it: nothing comes in between. */
  atOnce(act: () => number): number {
    if (this.actor < 0) return act();
    if (this.aborted) throw ABORT;
    if (this.position < this.log.length) return this.log[this.position++]!;
    if (!this.scheduler(OP.NOTE, 0, 0, 0)) this.abort();
    return this.note(act());
  }

  /** Adds the result of the actor's last operation. */
  note(result: number): number {
    this.log.push(result);
    this.position++;
    remember(this.state, this.actor, result);
    return result;
  }

  abort(): never {
    this.aborted = true;
    throw ABORT;
  }

  fail(message: string): never {
    this.violation ??= new Violation(message);
    if (this.actor < 0) throw this.violation;
    this.abort();
  }

  /** The running actor continues only when it is resumed, with the result of the operation. */
  block(status: number): never {
    if (this.actor < 0) this.fail('nobody can block here: what should be available is not');
    this.state[actorWord(this.actor) + STATUS] = status;
    this.abort();
  }

  private execute(op: number, at: number, a: number, b: number): number {
    const { state } = this;
    switch (op) {
      case OP.LOAD:
        return state[placeOf(at)]!;
      case OP.STORE:
        change(state, placeOf(at), a);
        return 0;
      case OP.CAS: {
        const place = placeOf(at);
        const before = state[place]!;
        if (before === a) change(state, place, b);
        return before;
      }
      case OP.ADD: {
        const place = placeOf(at);
        const before = state[place]!;
        change(state, place, (before + a) | 0);
        return before;
      }
      case OP.SET_BITS: {
        const place = placeOf(at);
        const before = state[place]!;
        change(state, place, before | a);
        return before;
      }
      case OP.CLEAR_BITS: {
        const place = placeOf(at);
        const before = state[place]!;
        change(state, place, before & ~a);
        return before;
      }
      default:
        return this.executeCall(op, at, a);
    }
  }

  private executeCall(op: number, at: number, a: number): number {
    const { state, actor } = this;
    switch (op) {
      case OP.PARK:
        if (state[placeOf(at)] !== a) return CHANGED;
        if (actor >= 0) state[actorWord(actor) + SLEEPS_ON] = at;
        return this.block(ASLEEP);
      case OP.UNPARK:
        for (let each = 0; each < MAX_ACTORS; each++) {
          const word = actorWord(each);
          if (state[word + STATUS] === ASLEEP && state[word + SLEEPS_ON] === at) resume(state, each, WOKEN);
        }
        return 0;
      case OP.RING: {
        const bell = actorWord(at - 1) + BELL;
        if (state[bell] !== 0) state[bell] = state[bell]! | (2 << a);
        return 0;
      }
      case OP.HANG:
        state[actorWord(at - 1) + BELL] = 1;
        return 0;
      case OP.DRAIN: {
        const bell = actorWord(at - 1) + BELL;
        const rung = state[bell]! >> 1;
        state[bell] = 1;
        return rung;
      }
      case OP.LOCK_SLOT: {
        const word = actorWord(at - 1);
        if (state[word + STATUS] !== DEAD || state[word + SLOT_LOCK] !== 0) return 0;
        state[word + SLOT_LOCK] = actor + 1;
        return 1;
      }
      case OP.UNLOCK_SLOT:
        state[actorWord(at - 1) + SLOT_LOCK] = 0;
        return 0;
      case OP.DOZE: {
        const roused = actorWord(actor) + ROUSED;
        if (state[roused] !== 0) {
          state[roused] = 0;
          return WOKEN;
        }
        state[actorWord(actor) + SLEEPS_ON] = IN_BERTH;
        return this.block(ASLEEP);
      }
      case OP.ROUSE: {
        const word = actorWord(at - 1);
        if (state[word + STATUS] === DEAD) return 0;
        if (state[word + STATUS] === ASLEEP && state[word + SLEEPS_ON] === IN_BERTH)
          resume(state, at - 1, WOKEN);
        else state[word + ROUSED] = 1;
        return 0;
      }
      case OP.AWAIT_DEATH:
        return this.block(AWAITS_DEATH);
      default:
        return 0;
    }
  }
}

export const machine: Machine = new Machine();

/** Makes a blocked actor continue; its last operation returns `result`. */
export function resume(state: State, actor: number, result: number): void {
  const word = actorWord(actor);
  state[word + STATUS] = RUNNING;
  state[word + SLEEPS_ON] = 0;
  state[word + RESULT] = result + 1;
}

/** Notes that an operation of the actor has returned `result`. */
export function remember(state: State, actor: number, result: number): void {
  const first = actorWord(actor) + HASH;
  for (let word = first; word < first + HASH_WORDS; word++) state[word] = mix(state[word]!, result, word);
}
