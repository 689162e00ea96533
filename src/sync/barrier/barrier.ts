/**
 * Barrier: a fixed number of parties meet, again and again.
 *
 * Words and algorithm: raw-barrier.ts. The action and its record: barrier-action.ts.
 */

import { inspect } from 'node:util';
import type { Cell } from '../../agents/cell.ts';
import type { Kind } from '../../agents/kinds.ts';
import { defineKind } from '../../agents/kinds.ts';
import { countWaiting } from '../../agents/waiters.ts';
import type { ObjectOptions } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { checkMilliseconds, Deadline } from '../../deadline.ts';
import type { BrokenBarrierError } from '../../errors.ts';
import { InvalidTypeError, NameTakenError } from '../../errors.ts';
import { AWAITING_BIT, BLOCKING_BIT } from '../../memory/layout.ts';
import type { Place } from '../../memory/place.ts';
import { obtainChecked } from '../../objects/content.ts';
import { openHandle } from '../../objects/handles.ts';
import { noteOpening, Opened } from '../../objects/opened.ts';
import type { Description } from '../../objects/shared-object.ts';
import { SharedObject } from '../../objects/shared-object.ts';
import { withOrigin } from '../../stacks.ts';
import { servedAtOnce } from '../../turns.ts';
import { block } from '../../waiting/blocking.ts';
import { spin } from '../../waiting/spinning.ts';
import { checkSynchronous } from '../inside.ts';
import { checkPermits } from '../semaphore/semaphore-base.ts';
import { ActionHere, isRecorded, recordAction, recordFailure } from './barrier-action.ts';
import { describeBarrier, generationOf, seatsIn } from './barrier-facts.ts';
import { brokenError } from './broken-error.ts';
import type { Arrival } from './raw-barrier.ts';
import {
  breakRound,
  failRound,
  finishRound,
  hasAction,
  initBarrier,
  isRefusing,
  MAX_PARTIES,
  partiesOf,
  renewRound,
  stateOf,
  takeSeat,
  timeoutOf,
  withdrawParty,
} from './raw-barrier.ts';
import { EarlyWait, RoundWait, SeatedWait } from './round-waits.ts';

export interface BarrierOptions extends ObjectOptions {
  /**
   * A function that exactly one party of each round runs, before any party goes on. If the barrier
   * is sent to other processes or threads, it must be an exported function.
   */
  action?: (() => unknown) | undefined;
  /** The timeout of `wait`, in milliseconds, for calls without one of their own. */
  timeout?: number | undefined;
}

/** The state of a barrier, as `describe()` returns it. */
export interface BarrierDescription extends Description {
  parties: number;
  /** The number of parties that wait in this round. */
  nWaiting: number;
  broken: boolean;
  /** Calls that wait, blocked and awaiting, in all processes. */
  waiting: number;
}

/**
 * A meeting point for a fixed number of parties (processes or threads): no party goes on before all
 * have come. It can be used again immediately, round after round.
 *
 * *If a party dies while it waits*, the barrier breaks: the others get a `BrokenBarrierError` whose
 * `cause` names the dead party.
 *
 * @example
 * const barrier = new Barrier(4);
 * const place = await barrier.wait();   // 0 to 3, each once a round
 */
export class Barrier extends SharedObject {
  private readonly action: (() => unknown) | undefined;
  /** Whether the action is known to be unexported, so that other parties can't find it. */
  private unexported = false;

  /** `parties`: 1 to 4,095. Throws `OutOfRangeError`, `InvalidTypeError`. */
  constructor(parties: number, options?: BarrierOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: number | Opened, options?: BarrierOptions) {
    super(BARRIER_KIND, source instanceof Opened ? source : obtainBarrier(source, options));
    const { cell, title } = this;
    this.action = options?.action;
    if (this.action !== undefined) {
      ActionHere.of(cell).give(this.action);
      // Other parties may open it by name, without asking for a handle.
      if (this.name !== undefined) this.recordIfExported();
    }
    // Find the action now, because a child may block its thread when it has to run it.
    else if (isRecorded(cell)) noteOpening(() => ActionHere.of(cell).find(title));
  }

  /** Opens the barrier that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): Barrier {
    return new Barrier(openHandle(BARRIER_KIND, handle));
  }

  /** The number of parties that meet. */
  get parties(): number {
    this.checkOpen();
    return partiesOf(this.cell);
  }

  /** The number of parties that wait in this round. */
  get nWaiting(): number {
    this.checkOpen();
    return seatsIn(stateOf(this.cell));
  }

  /** Whether it is broken: each later `wait` throws until `reset` is called. */
  get broken(): boolean {
    this.checkOpen();
    return isRefusing(stateOf(this.cell));
  }

  /**
   * Waits until all parties have come; the event loop keeps running. Resolves to this party's
   * place: a number from 0 to `parties` - 1, different for each party of the round. Three things
   * break the barrier, and reject the waits of all parties with `BrokenBarrierError`: a timeout,
   * *cancelling* by `signal`, and an action that throws. The call whose signal aborts rejects with
   * the signal's reason, and the party that ran the action gets its error.
   */
  async wait(options?: WaitOptions): Promise<number> {
    const deadline = this.begin(options);
    const { cell } = this;
    for (;;) {
      this.checkOpen();
      deadline.throwIfAborted();
      // Enter before taking a seat, so that a death in it is noticed.
      const ticket = cell.drawTicket();
      cell.enter(AWAITING_BIT, ticket);
      const arrival = this.arrive(AWAITING_BIT);
      const { generation, role } = arrival;
      // The action of the last round still runs: wait for the next round, and try again.
      if (role === 'early') {
        const early = new EarlyWait(cell, generation);
        const begun = await cell.await(early, ticket, deadline, this);
        if (!begun) throw withOrigin(this.brokenError(generation), early.origin);
        continue;
      }
      if (role === 'waits') return this.meet(arrival.index, generation, ticket, deadline);
      try {
        // The last party runs the action.
        if (role === 'acts') await this.act(generation);
      } finally {
        cell.leave(AWAITING_BIT);
      }
      return servedAtOnce(arrival.index);
    }
  }

  /** As `wait`, but *blocks* the thread. The action must not return a promise. */
  waitSync(options?: WaitOptions): number {
    const deadline = this.begin(options);
    const { cell } = this;
    for (;;) {
      // Enter before taking a seat, so that a death in it is noticed.
      cell.enter(BLOCKING_BIT, cell.drawTicket());
      const arrival = this.arrive(BLOCKING_BIT);
      const { generation, role } = arrival;
      const round = new RoundWait(cell, generation);
      try {
        // The action of the last round still runs: wait for the next round, and try again.
        if (role === 'early') {
          const early = new EarlyWait(cell, generation);
          if (block(cell, early, deadline)) continue;
          early.resign();
          throw this.brokenError(generation);
        }
        // A party that gives up breaks its round.
        if (role === 'waits' && !this.sitOut(round, deadline)) breakRound(cell, generation);
        if (role === 'acts') this.actNow(generation);
      } catch (error) {
        if (role === 'waits') breakRound(cell, generation);
        throw error;
      } finally {
        cell.leave(BLOCKING_BIT);
      }
      // The round may have been broken while this party slept.
      if (role === 'waits') this.checkPassed(round, generation);
      return arrival.index;
    }
  }

  /**
   * Breaks the barrier: all current and later waits throw `BrokenBarrierError`, until `reset` is
   * called.
   */
  abort(): void {
    this.checkOpen();
    breakRound(this.cell, generationOf(stateOf(this.cell)));
  }

  /**
   * Makes the barrier usable again. Parties that are waiting get a `BrokenBarrierError`; the next
   * party that comes begins a new round.
   */
  reset(): void {
    this.checkOpen();
    renewRound(this.cell);
  }

  override describe(): BarrierDescription {
    return SharedObject.describe(this, () => {
      const { namespace } = this.cell.agent;
      const { parties, arrived, broken } = describeBarrier(namespace, this.cell).state;
      return {
        kind: BARRIER_KIND.name,
        name: this.name ?? null,
        handle: this.shownHandle(),
        parties,
        nWaiting: arrived,
        broken,
        waiting: countWaiting(namespace, this.cell),
      };
    });
  }

  protected override summary(): string {
    const { parties, nWaiting, broken } = this;
    return broken ? `of ${parties}, broken` : `${nWaiting} of ${parties}`;
  }

  protected override extendHandle(): void {
    if (this.action !== undefined) recordAction(this.cell, this.action, this.title);
  }

  /**
   * The handle for display. Never throws because of the action: the party that has to run it
   * reports the error.
   */
  private shownHandle(): string {
    this.recordIfExported();
    return SharedObject.plainHandle(this);
  }

  /** Records the action for other parties, if it is exported. */
  private recordIfExported(): void {
    if (this.unexported || this.action === undefined) return;
    try {
      recordAction(this.cell, this.action, this.title);
    } catch {
      // That is allowed as long as the barrier stays here; `handle` throws the error.
      this.unexported = true;
    }
  }

  private begin(options: WaitOptions | undefined): Deadline {
    this.checkOpen();
    const given = Deadline.begin(options);
    const timeout = timeoutOf(this.cell);
    if (given.timed || options?.timeout !== undefined || timeout === undefined) return given;
    return Deadline.from({ timeout, signal: given.signal });
  }

  /** Takes a seat, with the wait entry filled. If this throws, it empties the entry first. */
  private arrive(how: number): Arrival {
    const { cell } = this;
    try {
      const arrival = takeSeat(cell, this.action !== undefined || hasAction(cell));
      if (arrival === undefined) throw this.brokenError();
      // An action that waits at its own barrier would never end: refuse it.
      if (arrival.role === 'early') {
        const blocks = how === BLOCKING_BIT;
        (cell.extension as ActionHere | undefined)?.refuseWithin(arrival.generation, this.title, blocks);
      }
      return arrival;
    } catch (error) {
      cell.leave(how);
      throw error;
    }
  }

  /**
   * Runs the action, with all parties seated, and ends the round; breaks the round if the action
   * fails.
   */
  private async act(generation: number): Promise<void> {
    const { cell, title } = this;
    const here = ActionHere.of(cell);
    try {
      await here.run(generation, this.action ?? (await here.find(title)));
    } catch (error) {
      throw this.failed(cell, generation, error);
    }
    this.finish(cell, generation);
  }

  private actNow(generation: number): void {
    const { cell, title } = this;
    const here = ActionHere.of(cell);
    try {
      // Run the action; if it fails, the round is broken.
      const action = this.action ?? here.findNow(title);
      here.runNow(generation, action, (returned) => checkSynchronous(title, returned));
    } catch (error) {
      throw this.failed(cell, generation, error);
    }
    // Let the parties pass.
    this.finish(cell, generation);
  }

  /** Breaks the round whose action has thrown `error`; returns that. */
  private failed(cell: Cell, generation: number, error: unknown): unknown {
    if (cell.closed) return error;
    try {
      recordFailure(cell, generation, error);
    } catch {
      // There is no room, or no folder. The other parties learn where the action failed, but not
      // why.
    }
    failRound(cell, generation);
    return error;
  }

  /** Ends the round after its action; throws if it was broken meanwhile. */
  private finish(cell: Cell, generation: number): void {
    // Its action has closed the barrier, and so broken the round.
    if (cell.closed) throw this.closedError();
    if (!finishRound(cell, generation)) throw this.brokenError(generation);
  }

  private async meet(index: number, generation: number, ticket: number, deadline: Deadline): Promise<number> {
    const round = new SeatedWait(this.cell, generation);
    await this.cell.await(round, ticket, deadline, this);
    this.checkPassed(round, generation);
    return index;
  }

  private sitOut(round: RoundWait, deadline: Deadline): boolean {
    return (spin(this.cell, round) && round.attempt()) || block(this.cell, round, deadline);
  }

  /** Throws `BrokenBarrierError` if the round, which has ended, was broken. */
  private checkPassed(round: RoundWait, generation: number): void {
    if (!round.attempt() || round.broken) throw withOrigin(this.brokenError(generation), round.origin);
  }

  private brokenError(generation: number = generationOf(stateOf(this.cell))): BrokenBarrierError {
    return brokenError(this.cell, generation, this.title);
  }
}

function obtainBarrier(parties: number, options: BarrierOptions | undefined): Opened {
  checkPermits(BARRIER_KIND.name, 'parties', parties, 1, MAX_PARTIES);
  const { action, timeout } = options ?? {};
  if (action !== undefined && typeof action !== 'function') {
    throw new InvalidTypeError(`Barrier: refused, its action is ${inspect(action)}; pass a function`);
  }
  const bounded = timeout === undefined ? Number.POSITIVE_INFINITY : checkMilliseconds('timeout', timeout);
  const acts = action !== undefined;
  const make = (place: Place): void => initBarrier(place, { parties, timeout: bounded, acts });
  const check = ({ cell, name }: Opened): void => {
    const there = partiesOf(cell);
    if (there === parties) {
      if (!acts || hasAction(cell)) return;
      throw new NameTakenError(
        `Barrier ${JSON.stringify(name)}: refused, the one of that name was made without an action; pass none, or make it with one`,
      );
    }
    throw new NameTakenError(
      `Barrier ${JSON.stringify(name)}: refused, the one of that name is for ${there} parties and not ${parties}; open it with the same number`,
    );
  };
  return obtainChecked(BARRIER_KIND, options, { make, check });
}

export const BARRIER_KIND: Kind = defineKind({
  number: 9,
  name: 'Barrier',
  withdraw: withdrawParty,
  open: Barrier.open,
});
