/**
 * AwaitingCalls: the calls of one agent that await one object, in the order in which they began.
 *
 * Of a serial object (a lock, a semaphore) only the first call is asked whether it can be served.
 * Of other objects (an event, a barrier, a condition) every call is asked.
 */

import { commonTime, now } from '#park';
import { onAbort } from '../aborts.ts';
import type { ObjectOfMessage } from '../channels.ts';
import { requestBegins } from '../channels.ts';
import type { Deadline } from '../deadline.ts';
import { ClosedError, LockstepError } from '../errors.ts';
import { afterMilliseconds } from '../long-timer.ts';
import { AWAITING_BIT } from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import type { Origin } from '../stacks.ts';
import { noteOrigin, withOrigin } from '../stacks.ts';
import { turnIfDue } from '../turns.ts';
import { withResolvers } from '../with-resolvers.ts';
import type { AgentHost } from './agent-host.ts';
import type { Kind } from './kinds.ts';
import { freeOfNobody, sweepIfDue } from './reaper.ts';
import type { Pressure, Wait } from './wait.ts';
import { PRESSURE } from './wait.ts';

/**
 * Milliseconds after which a waiter asks for a direct hand-off (parking_lot's eventual fairness
 * uses the same).
 */
export const FAIRNESS_AFTER = 0.5;

/** A call that awaits. */
interface Flow {
  readonly wait: Wait;
  readonly ticket: number;
  readonly since: number;
  readonly deadline: Deadline;
  /** The object whose method was called: this keeps it from being collected meanwhile. */
  readonly keeper: object;
  /** Where the call began. */
  readonly origin: Origin;
  resolve(taken: boolean): void;
  reject(reason: unknown): void;
  stopTimer: (() => void) | undefined;
  ignoreAbort: (() => void) | undefined;
}

/** The cell whose object the calls await. */
interface AwaitedCell extends Place {
  readonly agent: AgentHost<unknown>;
  readonly kind: Kind;
  /** The facts on the object for monitors. */
  about(): ObjectOfMessage;
  /** Ends what `enter` has begun for a call. */
  leave(how: number): void;
  /** Brings the wait entry up to date, for a call that has that ticket. */
  refresh(ticket: number, since: number): void;
}

export class AwaitingCalls {
  private readonly cell: AwaitedCell;
  /** Whether only the first of the queue can be served. */
  private readonly serial: boolean;
  private readonly flows = new Set<Flow>();
  /** How many flows have a timeout or a signal. */
  private timedFlows = 0;
  /** Whether the object was free at the last unrequested poll. */
  private seenFree = false;

  constructor(cell: AwaitedCell) {
    this.cell = cell;
    this.serial = cell.kind.serial;
  }

  /** Whether a call awaits its turn. */
  get any(): boolean {
    return this.flows.size > 0;
  }

  /** The first call, if any. */
  get head(): Flow | undefined {
    return this.flows.values().next().value;
  }

  /** Whether one of them has a timeout or a signal. */
  get timed(): boolean {
    return this.timedFlows > 0;
  }

  /**
   * Awaits the object by `wait`, with the entry filled by `enter(AWAITING_BIT)`; leaves the entry
   * in every case. Resolves to `false` on a timeout, rejects with the signal's reason.
   */
  await(wait: Wait, ticket: number, deadline: Deadline, keeper: object): Promise<boolean> {
    const first = !this.serial || this.flows.size === 0;
    // Take the object if it is free and no earlier call waits, or in the turn that is due.
    const turn = first ? turnIfDue() : undefined;
    if (first && turn === undefined && wait.attempt(PRESSURE.NONE)) {
      this.cell.leave(AWAITING_BIT);
      wait.taken();
      return Promise.resolve(true);
    }
    // Queue a flow with the facts of this call.
    const { promise, resolve, reject } = withResolvers<boolean>();
    const origin = noteOrigin();
    if (!deadline.unlimited) deadline.origin ??= origin;
    if ('origin' in wait) wait.origin = origin;
    const since = now();
    const request = requestBegins(
      () => this.cell.about(),
      wait.shared === true ? 'shared' : 'exclusive',
      false,
    );
    const flow: Flow = {
      wait,
      ticket,
      since,
      deadline,
      keeper,
      origin,
      resolve(taken) {
        request?.over(taken);
        resolve(taken);
      },
      reject(reason) {
        request?.failed(reason);
        reject(reason);
      },
      stopTimer: undefined,
      ignoreAbort: undefined,
    };
    this.flows.add(flow);
    if (!deadline.unlimited) this.timedFlows++;
    // Fill the wait entry, and only then look again.
    this.cell.refresh(ticket, commonTime(since));
    this.cell.agent.beginAwaiting();
    // Start the timeout, and refuse a wait that can never end.
    this.watch(flow);
    this.refuse(flow);
    void turn?.then(() => this.dispatch(false));
    return promise;
  }

  /** Serves the awaiting calls that can be served now. */
  dispatch(impatient: boolean): void {
    // A call is left alone if it was not rung since the last poll, and found the object free then.
    // A call that polls while another waiter comes is not.
    const untouched = impatient && this.seenFree;
    this.seenFree = impatient && this.serial && this.looksFree();
    for (const flow of this.flows) {
      const long = now() - flow.since > FAIRNESS_AFTER;
      const pressure: Pressure = untouched ? PRESSURE.IMPATIENT : long ? PRESSURE.FAIR : PRESSURE.NONE;
      if (!this.serve(flow, pressure) && this.serial) return;
    }
  }

  /** When and where its awaiting calls began, in their order. */
  begun(): { since: number; origin: Origin }[] {
    return [...this.flows].map(({ since, origin }) => ({ since, origin }));
  }

  /** Whether a call has awaited for so many milliseconds. */
  haveLasted(milliseconds: number): boolean {
    const head = this.head;
    return head !== undefined && now() - head.since >= milliseconds;
  }

  /**
   * Whether the object was free at the last unrequested poll: at the next poll the call takes it.
   */
  get areRestless(): boolean {
    return this.seenFree;
  }

  /** Slot of an agent that has to act for the first awaiting call, if one is known; 0 none. */
  suspect(): number {
    return this.head?.wait.suspect() ?? 0;
  }

  /** Rejects all awaiting calls, each with an error of its own. */
  rejectEach(reason: () => Error): void {
    for (const flow of this.flows) {
      this.giveUp(flow);
      flow.reject(withOrigin(reason(), flow.origin));
    }
  }

  /**
   * Checks whether an awaiting call would wait forever. Returns whether one would; that call was
   * refused.
   */
  check(): boolean {
    for (const flow of this.flows) if (this.refuse(flow)) return true;
    return false;
  }

  /** Rejects the awaiting calls made through `keeper`, or all. */
  rejectAll(keeper: object | undefined, what: string): void {
    for (const flow of this.flows) {
      if (keeper !== undefined && flow.keeper !== keeper) continue;
      this.giveUp(flow);
      const error = new ClosedError(
        `${what}: the wait was given up, the object was closed meanwhile; wait before closing`,
      );
      flow.reject(withOrigin(error, flow.origin));
    }
  }

  /**
   * Hands on a wake-up that the awaiting calls can't use, because their thread is about to block.
   */
  passOn(): void {
    for (const { wait } of this.flows) {
      if (this.serial) wait.abandon();
      else wait.passOn?.();
      return;
    }
  }

  /** Polls for the first of the queue, and checks that its holder lives. */
  private looksFree(): boolean {
    const first = this.head;
    if (first === undefined) return false;
    try {
      // Free a word that names an empty slot first.
      freeOfNobody(this.cell.agent, this.cell, first.wait.suspect());
      return first.wait.peek();
    } catch (error) {
      this.fail(first, error);
      return false;
    }
  }

  /** Serves the call if it can be served now; returns whether it is over. */
  private serve(flow: Flow, pressure: Pressure): boolean {
    try {
      if (!flow.wait.attempt(pressure)) return false;
      // Remove the flow before its promise resolves.
      this.end(flow);
      flow.wait.taken();
      flow.resolve(true);
    } catch (error) {
      this.fail(flow, error);
    }
    return true;
  }

  /**
   * Rejects the call's promise. The bell or timer that served the call has no caller to throw to.
   */
  private fail(flow: Flow, error: unknown): void {
    if (this.flows.has(flow)) this.end(flow);
    flow.reject(error instanceof LockstepError ? withOrigin(error, flow.origin) : error);
  }

  private refuse(flow: Flow): boolean {
    const error = flow.wait.check?.(flow.ticket);
    if (error === undefined) return false;
    this.giveUp(flow);
    flow.reject(withOrigin(error, flow.origin));
    return true;
  }

  private watch(flow: Flow): void {
    const { deadline } = flow;
    if (deadline.timed) flow.stopTimer = afterMilliseconds(deadline.remaining, () => this.timeOut(flow));
    const { signal } = deadline;
    if (signal === undefined) return;
    flow.ignoreAbort = onAbort(signal, () => {
      this.giveUp(flow);
      flow.reject(signal.reason);
    });
  }

  private timeOut(flow: Flow): void {
    const { namespace } = this.cell.agent;
    const first = !this.serial || this.head === flow;
    try {
      sweepIfDue(this.cell.agent);
    } catch (error) {
      // Nobody could catch an error here, and the timeout has passed all the same.
      if (!namespace.isRemoved) process.emitWarning(error as Error);
    }
    if (!this.flows.has(flow) || (first && this.serve(flow, PRESSURE.NONE))) return;
    this.giveUp(flow);
    if (namespace.isRemoved) flow.reject(withOrigin(namespace.removed(), flow.origin));
    else flow.resolve(false);
  }

  private giveUp(flow: Flow): void {
    flow.wait.resign?.();
    this.end(flow);
    flow.wait.abandon();
  }

  private end(flow: Flow): void {
    this.flows.delete(flow);
    if (!flow.deadline.unlimited) this.timedFlows--;
    flow.stopTimer?.();
    flow.ignoreAbort?.();
    this.cell.leave(AWAITING_BIT);
    this.cell.agent.endAwaiting();
  }
}
