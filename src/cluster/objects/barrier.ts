/** ClusterBarrier: a fixed number of parties meet, again and again, over all processes. */

import { inspect } from 'node:util';
import type { AsyncBarrier } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { checkMilliseconds, Deadline } from '../../deadline.ts';
import { BrokenBarrierError, InvalidTypeError, NameTakenError, WorkerDiedError } from '../../errors.ts';
import { checkOptions } from '../../options.ts';
import { showAsText } from '../../readable.ts';
import type { Bell } from '../bells.ts';
import type { BarrierCall, BarrierReply } from '../machines/barrier.ts';
import { DIED } from '../machines/barrier.ts';
import type { BarrierMachine } from '../machines/kinds.ts';
import { barrierOf } from '../machines/kinds.ts';
import type { CallId } from '../machines/machine.ts';
import { sessionOf } from '../machines/machine.ts';
import { ignoreEnd } from '../pending.ts';
import type { Core } from './core.ts';
import { look, perform } from './core.ts';
import { answerTo, checkAnswered, inTime, unanswered, untilReady } from './in-time.ts';
import { checkCount } from './semaphore.ts';

/** The beginning of the reason why a barrier is broken, where its action has thrown. */
const FAILED = 'its action failed: ';
/** How often a party looks for a seat when its time is over, in milliseconds. */
const SEAT_MS = 100;
/** Characters of an action's error that the other parties get. */
const MOST_MESSAGE = 500;

export interface ClusterBarrierOptions {
  /**
   * Run by exactly one party of each round, before any party is released. Either every party has an
   * action, or none has.
   */
  action?: (() => unknown) | undefined;
  /** The timeout of `wait`, in milliseconds, for calls without one of their own. */
  timeout?: number | undefined;
}

/** The state of a barrier of the cluster, as `describe()` returns it. */
export interface ClusterBarrierDescription {
  readonly kind: 'Barrier';
  readonly name: string;
  readonly parties: number;
  readonly nWaiting: number;
  readonly broken: boolean;
}

export class ClusterBarrier implements AsyncBarrier {
  readonly name: string;
  /** The number of parties that meet. */
  readonly parties: number;
  private readonly core: Core;
  private readonly machine: BarrierMachine;
  private readonly title: string;
  private readonly action: (() => unknown) | undefined;
  private readonly timeout: number | undefined;

  /** @internal */
  constructor(core: Core, name: string, parties: number, options: ClusterBarrierOptions) {
    this.title = `Barrier ${JSON.stringify(name)}`;
    checkOptions(this.title, options, 'ClusterBarrier', '{ timeout: milliseconds }');
    const { action, timeout } = options;
    checkCount(this.title, 'parties', parties, 1);
    if (action !== undefined && typeof action !== 'function')
      throw new InvalidTypeError(`${this.title}: refused, its action is ${inspect(action)}; pass a function`);
    this.timeout = timeout === undefined ? undefined : checkMilliseconds('timeout', timeout);
    this.core = core;
    this.name = name;
    this.parties = parties;
    this.action = action;
    this.machine = barrierOf(parties);
  }

  /** Its kind and name. Only the server knows its state. */
  toString(): string {
    return `<${this.title}>`;
  }

  /** Parties that wait in the present round. */
  get nWaiting(): Promise<number> {
    return this.describe().then(({ nWaiting }) => nWaiting);
  }

  /** Whether it is broken: every `wait` rejects until `reset`. */
  get broken(): Promise<boolean> {
    return this.describe().then(({ broken }) => broken);
  }

  /**
   * Waits until all parties have come; resolves to this party's place, 0 to parties-1, each once a
   * round. A timeout breaks the barrier, as do cancelling by `signal`, an action that throws, and a
   * party whose process dies. Rejects with `BrokenBarrierError`, whose `cause` names the session of
   * the dead party, or has the message of the action's error. Rejects with `StoreError` if the
   * server can't be reached when the timeout has passed, and with `LeaseLostError` if the lease is
   * lost: then the round is broken for the other parties.
   */
  async wait(options?: WaitOptions): Promise<number> {
    const given = Deadline.begin(options);
    const { timeout, core } = this;
    const own = timeout !== undefined && options?.timeout === undefined;
    const deadline = own ? Deadline.from({ timeout, signal: given.signal }) : given;
    const bell = core.bells.hang(this.name);
    try {
      await untilReady(core, deadline, false, this.refused);
      for (let again = ''; ; ) {
        const id = core.session.nextCall();
        const acts = this.action !== undefined;
        const arrived = core.calls.make(this.name, this.machine, id, { op: 'arrive', call: id, acts, again });
        const reply = (await inTime(arrived, deadline, core))?.reply;
        if (reply === undefined) {
          this.retreat(id, deadline).catch(ignoreEnd);
          throw unanswered(deadline, core, this.refused);
        }
        if (reply.is === 'passed') return reply.place;
        if (reply.is === 'acts') return await this.act(id, reply.place, deadline);
        if (reply.is !== 'waiting') throw this.failure(reply);
        if (reply.place >= 0) return await this.sit(id, reply.place, bell, deadline);
        // It came while the action of a round runs, and waits for a seat in the next round.
        again = id;
        if (await bell.next(deadline, 0)) continue;
        deadline.throwIfAborted();
        await bell.next(Deadline.from({ timeout: SEAT_MS, signal: deadline.signal }), 0);
      }
    } finally {
      bell.unhang();
    }
  }

  /**
   * Breaks the barrier: all current and later waits throw `BrokenBarrierError`, until `reset` is
   * called.
   */
  async abort(): Promise<void> {
    await this.make((call) => ({ op: 'break', call, party: '', why: 'it was aborted' }));
  }

  /**
   * Resets it: present waits throw `BrokenBarrierError`; the next party begins a new round.
   */
  async reset(): Promise<void> {
    await this.make((call) => ({ op: 'reset', call }));
  }

  async describe(): Promise<ClusterBarrierDescription> {
    const reply = await look(this.core, this.name, this.machine, { op: 'view' });
    if (reply.is !== 'view') throw this.failure(reply);
    const { name, parties } = this;
    return { kind: 'Barrier', name, parties, nWaiting: reply.waiting, broken: reply.broken !== '' };
  }

  private get refused(): string {
    return `${this.title}: can't wait`;
  }

  /** Waits, seated, until the round is over. */
  private async sit(id: CallId, place: number, bell: Bell, deadline: Deadline): Promise<number> {
    for (;;) {
      if (!(await bell.next(deadline, 0))) return this.giveUp(id, deadline, place);
      const looked = this.makeAs(id, (call) => ({ op: 'look', call, party: id }));
      const reply = await inTime(looked, deadline, this.core);
      if (reply === undefined) return this.giveUp(id, deadline, place);
      if (reply.is === 'passed') return place;
      if (reply.is !== 'waiting') throw this.failure(reply);
    }
  }

  /**
   * Breaks the round that the party waits in; if that round is already over, the party has passed.
   */
  private async giveUp(id: CallId, deadline: Deadline, place: number): Promise<number> {
    const broken = this.retreat(id, deadline);
    broken.catch(ignoreEnd);
    const reply = await answerTo(broken, deadline, this.core);
    if (reply?.is === 'passed') return place;
    checkAnswered(reply, deadline, this.core, this.refused);
    const why = whyOf(deadline);
    throw this.failure(reply.is === 'broken' ? reply : { is: 'broken', why });
  }

  private retreat(party: CallId, deadline: Deadline): Promise<BarrierReply> {
    const why = whyOf(deadline);
    return this.makeAs(party, (call) => ({ op: 'break', call, party, why }));
  }

  /** Runs the action and ends the round; breaks the round if the action fails. */
  private async act(id: CallId, place: number, deadline: Deadline): Promise<number> {
    try {
      await this.action?.();
    } catch (error) {
      const why = `${FAILED}${messageOf(error)}`;
      await this.makeAs(id, (call) => ({ op: 'break', call, party: id, why })).catch(ignoreEnd);
      throw error;
    }
    const opened = this.makeAs(id, (call) => ({ op: 'open', call, party: id }));
    const reply = await inTime(opened, deadline, this.core);
    // The action has run: nothing is undone by an abort that comes now.
    if (reply === undefined) throw this.core.session.outOfReach(this.refused);
    if (reply.is !== 'done') throw this.failure(reply);
    return place;
  }

  private async make(callAs: (id: CallId) => BarrierCall): Promise<BarrierReply> {
    return (await perform(this.core, this.name, this.machine, callAs)).reply;
  }

  /** A call of the party, in its session: calls of a lost session are not repeated. */
  private async makeAs(party: CallId, callAs: (id: CallId) => BarrierCall): Promise<BarrierReply> {
    const { calls, session } = this.core;
    session.checkAlive(sessionOf(party));
    const id = session.nextCall();
    return (await calls.make(this.name, this.machine, id, callAs(id))).reply;
  }

  private failure(reply: BarrierReply): Error {
    if (reply.is === 'differs') {
      return new NameTakenError(
        `${this.title}: refused, the one of that name is for ${reply.parties} parties; open it with the same number`,
      );
    }
    const why = reply.is === 'broken' && reply.why !== '' ? reply.why : 'it was reset';
    return new BrokenBarrierError(
      `${this.title}: is broken, ${why}; call reset() when all parties know of it`,
      causeIn(why),
    );
  }
}

/** Why a party breaks its round. */
function whyOf({ signal }: Deadline): string {
  return signal?.aborted === true ? 'a party aborted its wait' : 'a party timed out';
}

/** The error behind the reason, if it is that of a party. */
function causeIn(why: string): ErrorOptions | undefined {
  if (why.endsWith(DIED)) return { cause: new WorkerDiedError(`${why} at the barrier`) };
  return why.startsWith(FAILED) ? { cause: new Error(why.slice(FAILED.length)) } : undefined;
}

/** The message of what an action has thrown, for the other parties. */
function messageOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : inspect(thrown)).slice(0, MOST_MESSAGE);
}

showAsText(ClusterBarrier);
