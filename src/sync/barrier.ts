/**
 * Barrier: a fixed number of parties meet, again and again.
 *
 *   word   name      bits                                                            written by
 *   +0     STATE     29 TRIPPING | 28 BROKEN | 27…12 generation | 11…0 seats taken     anyone, CAS only
 *   +1     TICKETS   counter                                                         waiters
 *   +2     OUTCOMES  bit (generation mod 16): that round was broken                  whoever ends a round
 *   +3     PARTIES   number                                                          the creator
 *   +4     TIMEOUT   milliseconds + 1; 0 = none                                      the creator
 *   +5     DIED      30…8 pid | 7…0 slot of the party that died; 0 none              the reaper
 *   detail of the wait entry: 30 SEATED | generation in which the agent sits
 *
 * A party takes a seat by CAS; the one that takes the last moves the generation on and empties the seats in the same CAS, and wakes the
 * others. A waiter is free when the generation has moved, so a fast party that comes again sits in the next round and can't
 * overtake. With an action, the last seat sets TRIPPING, the action runs, and a second CAS moves the generation.
 *
 * A round ends broken when a party times out, aborts, fails in the action or dies in its seat: BROKEN is set by CAS in that
 * generation, which fixes how it ended; `reset` then writes the round's bit in OUTCOMES and moves the generation. A waiter that
 * wakes after that reads the bit. Who is about to move the generation clears the bit of the round that comes 8 later, not that of
 * the next: it may be overtaken, and must not then clear what has been written of the next. Who is 8 rounds late reads a wrong bit.
 *
 * The entry with its generation is filled before the seat is taken. A party that dies in between breaks a round in which it
 * did not sit yet; the round would have lacked it anyway.
 *
 * Race: W times out while L takes the last seat. L moves the generation (L1); W's CAS to BROKEN expects the old one and fails (W1),
 * W finds the round passed. Had W1 come first, L would have found BROKEN and thrown.
 */

import { inspect } from 'node:util';
import { cas, clearBits, load, setBits, store } from '#atomics';
import { block, spin } from '../agents/blocking.ts';
import type { Cell, ObjectType } from '../agents/cell.ts';
import { obtainChecked } from '../agents/content.ts';
import type { FunctionReference } from '../agents/function-reference.ts';
import { referenceTo, resolveReference, resolveReferenceNow } from '../agents/function-reference.ts';
import { registerKind } from '../agents/kinds.ts';
import type { Namespace } from '../agents/namespace.ts';
import type { Description } from '../agents/shared-object.ts';
import { noteOpening, Opened, openHandle, registerClass, SharedObject } from '../agents/shared-object.ts';
import { countWaiting, wakeAll } from '../agents/waiters.ts';
import type { ObjectOptions } from '../contracts.ts';
import type { WaitOptions } from '../deadline.ts';
import { checkMilliseconds, Deadline } from '../deadline.ts';
import { BrokenBarrierError, InvalidTypeError, NameTakenError, WorkerDiedError } from '../errors.ts';
import type { Place } from '../memory/arena.ts';
import type { Words } from '../memory/atomics.ts';
import {
  AGENT_PID,
  AWAITING_BIT,
  agentWord,
  BLOCKING_BIT,
  CELL_BODY,
  CELL_STATE,
  ENTRY_DETAIL,
  KIND,
  SLOT_MASK,
} from '../memory/layout.ts';
import { checkSynchronous } from './inside.ts';
import { checkPermits } from './permit-source.ts';
import { StateWait } from './state-wait.ts';

const TYPE: ObjectType = { kind: KIND.BARRIER, name: 'Barrier', serial: false, lasting: false };

const OUTCOMES_WORD: number = CELL_BODY + 2;
const PARTIES_WORD: number = CELL_BODY + 3;
const TIMEOUT_WORD: number = CELL_BODY + 4;
const DIED_WORD: number = CELL_BODY + 5;

const SEATS_MASK = 0xfff;
const GENERATION_SHIFT = 12;
const GENERATION_MASK = 0xffff;
const BROKEN_BIT: number = 1 << 28;
const TRIPPING_BIT: number = 1 << 29;
const SEATED_BIT: number = 1 << 30;
const OUTCOMES_KEPT = 16;
/** Rounds by which an outcome's bit is cleared before it is written. */
const OUTCOMES_AHEAD = 8;
const PID_SHIFT = 8;
/** The largest number of parties. */
export const MAX_PARTIES: number = SEATS_MASK;
const LONGEST_TIMEOUT = 1 << 30;

function seatsIn(state: number): number {
  return state & SEATS_MASK;
}

function generationOf(state: number): number {
  return (state >> GENERATION_SHIFT) & GENERATION_MASK;
}

function isBroken(state: number): boolean {
  return (state & BROKEN_BIT) !== 0;
}

function isTripping(state: number): boolean {
  return (state & TRIPPING_BIT) !== 0;
}

function atGeneration(generation: number): number {
  return (generation & GENERATION_MASK) << GENERATION_SHIFT;
}

function outcomeBit(generation: number): number {
  return 1 << (generation % OUTCOMES_KEPT);
}

/** How a party came in. */
type Arrival =
  | { readonly role: 'waits' | 'trips' | 'acts'; readonly index: number; readonly generation: number }
  /** The action of a full round runs: come again when the generation has moved. */
  | { readonly role: 'early'; readonly generation: number };

class RoundWait extends StateWait {
  /** Whether the round ended broken; known once `attempt` has returned `true`. */
  broken = false;
  protected readonly generation: number;

  constructor(cell: Cell, generation: number) {
    super(cell);
    this.generation = generation;
  }

  override peek(): boolean {
    const state = load(this.cell.words, this.cell.at + CELL_STATE);
    return generationOf(state) !== this.generation || isBroken(state);
  }

  override attempt(): boolean {
    const { words, at } = this.cell;
    const state = load(words, at + CELL_STATE);
    if (generationOf(state) === this.generation) {
      this.broken = isBroken(state);
      return this.broken;
    }
    this.broken = (load(words, at + OUTCOMES_WORD) & outcomeBit(this.generation)) !== 0;
    return true;
  }
}

/** The wait of a party that sits in the round. */
class SeatedWait extends RoundWait {
  /** While the entry still tells of the seat: a party that dies between the two would leave the seat taken by nobody. */
  resign(): void {
    breakRound(this.cell, this.generation);
  }
}

export interface BarrierOptions extends ObjectOptions {
  /** Run by exactly one party of each round, before any is let go. An exported function where the barrier is sent to others. */
  action?: (() => unknown) | undefined;
  /** Milliseconds that `wait` waits where it is given none. */
  timeout?: number | undefined;
}

/** How a barrier stands. */
export interface BarrierDescription extends Description {
  parties: number;
  /** Parties that sit in the present round. */
  nWaiting: number;
  broken: boolean;
  /** Calls that wait, blocked and awaiting, in all processes. */
  waiting: number;
}

/**
 * A meeting point for a fixed number of parties, processes and threads: nobody goes on before all have come. Reusable at once.
 *
 * *If a party dies while it waits* the barrier breaks: the others get a `BrokenBarrierError` whose cause names the dead.
 *
 * @example
 * const barrier = new Barrier(4);
 * const place = await barrier.wait();   // 0 to 3, each once a round
 */
export class Barrier extends SharedObject {
  private action: (() => unknown) | undefined;
  private readonly reference: FunctionReference | undefined;
  private readonly resolved: Promise<void> | undefined;

  /** `parties`: 1 to 4,095. Throws `OutOfRangeError`, `InvalidTypeError`. */
  constructor(parties: number, options?: BarrierOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: number | Opened, options?: BarrierOptions) {
    super(TYPE, source instanceof Opened ? source : obtainBarrier(source, options));
    this.action = options?.action;
    const text = source instanceof Opened ? source.extra?.get('action') : undefined;
    if (text === undefined || text === null) return;
    this.reference = JSON.parse(text) as FunctionReference;
    this.resolved = resolveReference(this.reference).then((action) => {
      this.action = action as () => unknown;
    });
    noteOpening(this.resolved);
  }

  /** Opens the barrier that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): Barrier {
    return new Barrier(openHandle(TYPE, handle));
  }

  /** How many meet. */
  get parties(): number {
    this.checkOpen();
    return load(this.cell.words, this.cell.at + PARTIES_WORD);
  }

  /** Parties that sit in the present round. */
  get nWaiting(): number {
    this.checkOpen();
    return seatsIn(this.state);
  }

  /** Whether it is broken: every `wait` throws until `reset`. */
  get broken(): boolean {
    this.checkOpen();
    return isBroken(this.state);
  }

  /**
   * Waits until all parties have come; resolves to this party's place, 0 to parties-1, each once a round. A timeout breaks the
   * barrier, as do *cancelling* by `signal` (which rejects with its reason) and an action that throws (its error goes to the party that ran
   * it). Rejects with `BrokenBarrierError`. The event loop goes on.
   */
  async wait(options?: WaitOptions): Promise<number> {
    const deadline = this.begin(options);
    if (this.resolved !== undefined) await this.resolved;
    const { cell } = this;
    for (;;) {
      this.checkOpen();
      deadline.throwIfAborted();
      const ticket = cell.drawTicket();
      cell.enter(AWAITING_BIT, ticket);
      const arrival = this.arrive(AWAITING_BIT);
      const { generation, role } = arrival;
      if (role === 'early') {
        await cell.await(new RoundWait(cell, generation), ticket, Deadline.NEVER, this);
        continue;
      }
      if (role === 'waits') return this.meet(arrival.index, generation, ticket, deadline);
      try {
        if (role === 'acts') {
          await this.act();
          this.finishRound(generation);
        }
      } catch (error) {
        breakRound(this.cell, generation);
        throw error;
      } finally {
        cell.leave(AWAITING_BIT);
      }
      return arrival.index;
    }
  }

  /** The same; *blocks* the thread. The action must not return a promise. */
  waitSync(options?: WaitOptions): number {
    const deadline = this.begin(options);
    const { cell } = this;
    for (;;) {
      cell.enter(BLOCKING_BIT, cell.drawTicket());
      const arrival = this.arrive(BLOCKING_BIT);
      const { generation, role } = arrival;
      const round = new RoundWait(cell, generation);
      try {
        if (role === 'early') {
          block(cell, round, Deadline.NEVER);
          continue;
        }
        if (role === 'waits' && !this.sitOut(round, deadline)) breakRound(this.cell, generation);
        if (role === 'acts') {
          checkSynchronous(this.title, this.act());
          this.finishRound(generation);
        }
      } catch (error) {
        breakRound(this.cell, generation);
        throw error;
      } finally {
        cell.leave(BLOCKING_BIT);
      }
      if (role === 'waits') this.checkPassed(round);
      return arrival.index;
    }
  }

  /** Breaks the barrier: everyone who waits, and who will, gets a `BrokenBarrierError`, until `reset`. */
  abort(): void {
    this.checkOpen();
    breakRound(this.cell, generationOf(this.state));
  }

  /** Makes the barrier new: those who wait get a `BrokenBarrierError`; who comes from now on begins a round. */
  reset(): void {
    this.checkOpen();
    const { words, at, agent } = this.cell;
    for (;;) {
      const { state } = this;
      const generation = generationOf(state);
      if (seatsIn(state) === 0 && !isBroken(state)) return;
      if (!isBroken(state)) {
        breakRound(this.cell, generation);
        continue;
      }
      setBits(words, at + OUTCOMES_WORD, outcomeBit(generation));
      clearBits(words, at + OUTCOMES_WORD, outcomeBit(generation + OUTCOMES_AHEAD));
      store(words, at + DIED_WORD, 0);
      if (cas(words, at + CELL_STATE, state, atGeneration(generation + 1)) !== state) continue;
      wakeAll(agent, this.cell);
      return;
    }
  }

  override describe(): BarrierDescription {
    return {
      kind: TYPE.name,
      name: this.name ?? null,
      handle: this.handle,
      parties: this.parties,
      nWaiting: this.nWaiting,
      broken: this.broken,
      waiting: countWaiting(this.cell.agent.namespace, this.cell),
    };
  }

  protected override summary(): string {
    const { parties, nWaiting, broken } = this.describe();
    return broken ? `of ${parties}, broken` : `${nWaiting} of ${parties}`;
  }

  protected override extendHandle(fields: URLSearchParams): void {
    const reference =
      this.reference ?? (this.action && referenceTo(this.action, `${this.title}: its action is`));
    if (reference !== undefined) fields.set('action', JSON.stringify(reference));
  }

  private get state(): number {
    return load(this.cell.words, this.cell.at + CELL_STATE);
  }

  private begin(options: WaitOptions | undefined): Deadline {
    this.checkOpen();
    const stored = load(this.cell.words, this.cell.at + TIMEOUT_WORD);
    const given = Deadline.begin(options);
    if (given.timed || options?.timeout !== undefined || stored === 0) return given;
    return Deadline.from({ timeout: stored - 1, signal: given.signal });
  }

  /** Takes a seat. The wait entry is filled; where this throws, it leaves it. */
  private arrive(how: number): Arrival {
    const { cell } = this;
    const { words, at } = cell;
    const parties = load(words, at + PARTIES_WORD);
    for (;;) {
      const { state } = this;
      const generation = generationOf(state);
      const index = seatsIn(state);
      if (isBroken(state)) {
        cell.leave(how);
        throw this.brokenError();
      }
      if (isTripping(state)) return { role: 'early', generation };
      cell.setDetail(SEATED_BIT | generation);
      if (index + 1 < parties) {
        if (cas(words, at + CELL_STATE, state, state + 1) === state)
          return { role: 'waits', index, generation };
      } else if (this.action !== undefined || this.reference !== undefined) {
        if (cas(words, at + CELL_STATE, state, (state + 1) | TRIPPING_BIT) === state)
          return { role: 'acts', index, generation };
      } else if (this.moveOn(state)) return { role: 'trips', index, generation };
    }
  }

  /** Ends the round that `state` shows as passed, unless the state has changed. */
  private moveOn(state: number): boolean {
    const { words, at, agent } = this.cell;
    const generation = generationOf(state);
    clearBits(words, at + OUTCOMES_WORD, outcomeBit(generation + OUTCOMES_AHEAD));
    if (cas(words, at + CELL_STATE, state, atGeneration(generation + 1)) !== state) return false;
    wakeAll(agent, this.cell);
    return true;
  }

  private act(): unknown {
    // A blocking call may come before the event loop had a chance to load what the handle tells.
    this.action ??= resolveReferenceNow(this.reference!) as () => unknown;
    return this.action();
  }

  /** Ends the round after its action; throws if it was broken meanwhile. */
  private finishRound(generation: number): void {
    const { state } = this;
    if (generationOf(state) !== generation || isBroken(state) || !this.moveOn(state))
      throw this.brokenError();
  }

  private async meet(index: number, generation: number, ticket: number, deadline: Deadline): Promise<number> {
    const round = new SeatedWait(this.cell, generation);
    await this.cell.await(round, ticket, deadline, this);
    this.checkPassed(round);
    return index;
  }

  private sitOut(round: RoundWait, deadline: Deadline): boolean {
    return (spin(this.cell, round) && round.attempt()) || block(this.cell, round, deadline);
  }

  /** Throws `BrokenBarrierError` if the round, which has ended, was broken. */
  private checkPassed(round: RoundWait): void {
    if (!round.attempt() || round.broken) throw this.brokenError();
  }

  private brokenError(): BrokenBarrierError {
    const { agent, words, at } = this.cell;
    const died = load(words, at + DIED_WORD);
    const pid = died >> PID_SHIFT;
    const identity = agent.namespace.identity(died & SLOT_MASK);
    const who = identity.pid === pid ? `${identity.name} (pid ${pid})` : `pid ${pid}`;
    const advice = 'call reset() when all parties know of it';
    if (died === 0) {
      return new BrokenBarrierError(
        `${this.title}: is broken, a party timed out, aborted, reset it or failed; ${advice}`,
      );
    }
    const cause = new WorkerDiedError(`${who} died while it waited at the barrier`);
    return new BrokenBarrierError(`${this.title}: is broken, ${who} died while it waited; ${advice}`, {
      cause,
    });
  }
}

function obtainBarrier(parties: number, options: BarrierOptions | undefined): Opened {
  checkPermits(TYPE.name, 'parties', parties, 1, MAX_PARTIES);
  const { action, timeout } = options ?? {};
  if (action !== undefined && typeof action !== 'function') {
    throw new InvalidTypeError(`Barrier: refused, its action is ${inspect(action)}; pass a function`);
  }
  const bounded = timeout === undefined ? Number.POSITIVE_INFINITY : checkMilliseconds('timeout', timeout);
  const make = ({ words, at }: Place): void => {
    store(words, at + PARTIES_WORD, parties);
    if (bounded < LONGEST_TIMEOUT) store(words, at + TIMEOUT_WORD, Math.ceil(Math.max(0, bounded)) + 1);
  };
  const check = ({ cell, name }: Opened): void => {
    const there = load(cell.words, cell.at + PARTIES_WORD);
    if (there === parties) return;
    throw new NameTakenError(
      `Barrier ${JSON.stringify(name)}: refused, the one of that name is for ${there} parties and not ${parties}; open it with the same number`,
    );
  };
  return obtainChecked(TYPE, options, { make, check });
}

/** Breaks the barrier if it still is in that generation, and wakes all. */
function breakRound(cell: Cell, generation: number): void {
  if (breakIn(cell.words, cell.at, generation)) wakeAll(cell.agent, cell);
}

/** Breaks the barrier if it still is in that generation. Returns whether this call did it. */
function breakIn(words: Words, at: number, generation: number): boolean {
  for (;;) {
    const state = load(words, at + CELL_STATE);
    if (generationOf(state) !== generation || isBroken(state)) return false;
    if (cas(words, at + CELL_STATE, state, atGeneration(generation) | BROKEN_BIT) === state) return true;
  }
}

/** Breaks the round in which the dead agent sat. */
function withdraw(
  namespace: Namespace,
  { words, at }: Place,
  dead: number,
  entryWords: Words,
  entry: number,
): void {
  const detail = load(entryWords, entry + ENTRY_DETAIL);
  if ((detail & SEATED_BIT) === 0) return;
  const generation = detail & GENERATION_MASK;
  if (generationOf(load(words, at + CELL_STATE)) !== generation) return;
  const pid = load(namespace.words, agentWord(dead) + AGENT_PID);
  store(words, at + DIED_WORD, (pid << PID_SHIFT) | dead);
  breakIn(words, at, generation);
}

registerKind(KIND.BARRIER, { name: TYPE.name, withdraw });
registerClass(TYPE.name, Barrier.open);
