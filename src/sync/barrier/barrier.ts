/**
 * Barrier: a fixed number of parties meet, again and again.
 *
 * Words and algorithm: raw-barrier.ts. The action travels in handles, by its module and export.
 */

import { inspect } from 'node:util';
import type { ObjectType } from '../../agents/cell.ts';
import { registerKind } from '../../agents/kinds.ts';
import { countWaiting } from '../../agents/waiters.ts';
import type { ObjectOptions } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { checkMilliseconds, Deadline } from '../../deadline.ts';
import { BrokenBarrierError, InvalidTypeError, NameTakenError, WorkerDiedError } from '../../errors.ts';
import type { FunctionReference } from '../../functions/reference.ts';
import { referenceTo, resolveReference, resolveReferenceNow } from '../../functions/reference.ts';
import type { Place } from '../../memory/arena.ts';
import { AWAITING_BIT, BLOCKING_BIT, KIND } from '../../memory/layout.ts';
import { obtainChecked } from '../../objects/content.ts';
import { openHandle, registerClass } from '../../objects/handles.ts';
import { noteOpening, Opened } from '../../objects/opened.ts';
import type { Description } from '../../objects/shared-object.ts';
import { SharedObject } from '../../objects/shared-object.ts';
import { block, spin } from '../../waiting/blocking.ts';
import { checkSynchronous } from '../inside.ts';
import { checkPermits } from '../semaphore/permit-source.ts';
import type { Arrival } from './raw-barrier.ts';
import {
  breakRound,
  diedIn,
  finishRound,
  generationOf,
  initBarrier,
  isBroken,
  MAX_PARTIES,
  partiesOf,
  RoundWait,
  renewRound,
  SeatedWait,
  seatsIn,
  stateOf,
  takeSeat,
  timeoutOf,
  withdrawParty,
} from './raw-barrier.ts';

const TYPE: ObjectType = { kind: KIND.BARRIER, name: 'Barrier', serial: false, lasting: false };

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
    return partiesOf(this.cell);
  }

  /** Parties that sit in the present round. */
  get nWaiting(): number {
    this.checkOpen();
    return seatsIn(stateOf(this.cell));
  }

  /** Whether it is broken: every `wait` throws until `reset`. */
  get broken(): boolean {
    this.checkOpen();
    return isBroken(stateOf(this.cell));
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
          this.finish(generation);
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
          this.finish(generation);
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
    breakRound(this.cell, generationOf(stateOf(this.cell)));
  }

  /** Makes the barrier new: those who wait get a `BrokenBarrierError`; who comes from now on begins a round. */
  reset(): void {
    this.checkOpen();
    renewRound(this.cell);
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

  private begin(options: WaitOptions | undefined): Deadline {
    this.checkOpen();
    const given = Deadline.begin(options);
    const timeout = timeoutOf(this.cell);
    if (given.timed || options?.timeout !== undefined || timeout === undefined) return given;
    return Deadline.from({ timeout, signal: given.signal });
  }

  /** Takes a seat. The wait entry is filled; where this throws, it leaves it. */
  private arrive(how: number): Arrival {
    const { cell } = this;
    const arrival = takeSeat(cell, this.action !== undefined || this.reference !== undefined);
    if (arrival !== undefined) return arrival;
    cell.leave(how);
    throw this.brokenError();
  }

  private act(): unknown {
    // A blocking call may come before the event loop had a chance to load what the handle tells.
    this.action ??= resolveReferenceNow(this.reference!) as () => unknown;
    return this.action();
  }

  /** Ends the round after its action; throws if it was broken meanwhile. */
  private finish(generation: number): void {
    if (!finishRound(this.cell, generation)) throw this.brokenError();
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
    const died = diedIn(this.cell);
    const advice = 'call reset() when all parties know of it';
    if (died === undefined) {
      return new BrokenBarrierError(
        `${this.title}: is broken, a party timed out, aborted, reset it or failed; ${advice}`,
      );
    }
    const { pid, slot } = died;
    const identity = this.cell.agent.namespace.identity(slot);
    const who = identity.pid === pid ? `${identity.name} (pid ${pid})` : `pid ${pid}`;
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
  const make = (place: Place): void => initBarrier(place, parties, bounded);
  const check = ({ cell, name }: Opened): void => {
    const there = partiesOf(cell);
    if (there === parties) return;
    throw new NameTakenError(
      `Barrier ${JSON.stringify(name)}: refused, the one of that name is for ${there} parties and not ${parties}; open it with the same number`,
    );
  };
  return obtainChecked(TYPE, options, { make, check });
}

registerKind(KIND.BARRIER, { name: TYPE.name, withdraw: withdrawParty });
registerClass(TYPE.name, Barrier.open);
