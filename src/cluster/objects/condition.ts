/**
 * ClusterCondition: waiting for a change of the data that a lock guards. Its waiters are in the
 * document of the lock. Giving the lock up and beginning to wait is one write, so no notification
 * is lost in between.
 */

import { inspect } from 'node:util';
import type { AsyncCondition, UntimedWaitOptions } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { Deadline } from '../../deadline.ts';
import { InvalidTypeError, NotOwnerError } from '../../errors.ts';
import { showAsText } from '../../readable.ts';
import type { Bell } from '../bells.ts';
import type { CallId } from '../machines/machine.ts';
import type { PlacesReply } from '../machines/places.ts';
import type { ClusterHold } from './cluster-hold.ts';
import { look, perform } from './core.ts';
import type { ClusterLock } from './lock.ts';

/** The state of a condition of the cluster, as `describe()` returns it. */
export interface ClusterConditionDescription {
  readonly kind: 'Condition';
  readonly name: string;
  readonly waiting: number;
}

export class ClusterCondition implements AsyncCondition {
  readonly name: string;
  /** The condition's lock. */
  readonly lock: ClusterLock;
  private readonly title: string;

  /** @internal */
  constructor(name: string, lock: ClusterLock) {
    this.name = name;
    this.lock = lock;
    this.title = `Condition ${JSON.stringify(name)}`;
  }

  /** Its kind and name. Only the server knows its state. */
  toString(): string {
    return `<${this.title}>`;
  }

  /** Whether a holder had died inside before this connection came in, or came back from a wait. */
  get recovered(): boolean {
    return this.lock.recovered;
  }

  acquire(options?: UntimedWaitOptions): Promise<ClusterHold>;
  acquire(options: WaitOptions): Promise<ClusterHold | null>;
  acquire(options?: WaitOptions): Promise<ClusterHold | null> {
    return this.lock.acquire(options ?? {});
  }

  release(): Promise<void> {
    return this.lock.release();
  }

  run<Result>(
    fn: (hold: ClusterHold) => Result | Promise<Result>,
    options?: UntimedWaitOptions,
  ): Promise<Result>;
  run<Result>(
    fn: (hold: ClusterHold) => Result | Promise<Result>,
    options: WaitOptions,
  ): Promise<Result | null>;
  run<Result>(
    fn: (hold: ClusterHold) => Result | Promise<Result>,
    options?: WaitOptions,
  ): Promise<Result | null> {
    return this.lock.run(fn, options ?? {});
  }

  /**
   * Gives the lock up, waits for a notification, and comes back with the lock held as before, under
   * a new token. Resolves to `false` when the timeout has passed. *Cancels* by `signal`: rejects
   * with its reason, and the lock is held. While the server can't be reached the call waits beyond
   * its timeout, because it can't take the lock again. Rejects with `LeaseLostError` when the lease
   * is lost: then the lock is not held.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const deadline = Deadline.from(options);
    const hold = this.lock.owned(`${this.title}: can't wait`);
    deadline.throwIfAborted();
    const { core, key, machine } = this.lock.places;
    const bell = core.bells.hang(key);
    const resume = this.lock.suspend(hold);
    try {
      const id = core.session.nextCall();
      const call = { op: 'wait', call: id, hold: hold.call, condition: this.name } as const;
      const begun = await core.calls.make(key, machine, id, call);
      if (begun.reply.is === 'notHeld') throw this.notHeld('wait');
      const notified = await this.comeBack(id, hold, bell, deadline);
      resume();
      if (!notified) deadline.throwIfAborted();
      return notified;
    } finally {
      bell.unhang();
    }
  }

  /** Waits until `predicate` returns something true; resolves to its last value. */
  async waitFor<Value>(predicate: () => Value | Promise<Value>, options?: WaitOptions): Promise<Value> {
    if (typeof predicate !== 'function') {
      throw new InvalidTypeError(
        `${this.title}: refused, ${inspect(predicate)} is not a function; pass one that answers`,
      );
    }
    const deadline = Deadline.from(options);
    for (;;) {
      const value = await predicate();
      if (value || deadline.expired) return value;
      const left = { timeout: deadline.remaining, signal: deadline.signal };
      if (!(await this.wait(left))) return await predicate();
    }
  }

  /** Notifies at most `n` of the present waiters. Throws `NotOwnerError` without the lock. */
  async notify(n = 1): Promise<void> {
    if (typeof n !== 'number' || Number.isNaN(n)) {
      throw new InvalidTypeError(`${this.title}: can't notify ${inspect(n)}; pass a number of waiters`);
    }
    const { core, key, machine } = this.lock.places;
    const hold = this.lock.owned(`${this.title}: can't notify`);
    const most = Math.min(Math.floor(n), Number.MAX_SAFE_INTEGER);
    const { reply } = await perform(core, key, machine, (call) => ({
      op: 'notify' as const,
      call,
      hold: hold.call,
      condition: this.name,
      n: most,
    }));
    if (reply.is === 'notHeld') throw this.notHeld('notify');
  }

  notifyAll(): Promise<void> {
    return this.notify(Number.POSITIVE_INFINITY);
  }

  async describe(): Promise<ClusterConditionDescription> {
    const { core, key, machine } = this.lock.places;
    const reply = await look(core, key, machine, { op: 'look' });
    const waiting = reply.is === 'view' ? (reply.view.waits[this.name] ?? 0) : 0;
    return { kind: 'Condition', name: this.name, waiting };
  }

  /** Waits until it has the lock again; returns whether it was notified before the deadline. */
  private async comeBack(id: CallId, hold: ClusterHold, bell: Bell, deadline: Deadline): Promise<boolean> {
    const { core, key, machine, each: places } = this.lock.places;
    const condition = this.name;
    let until = deadline;
    let notified = true;
    let look = 0;
    for (;;) {
      if (!(await bell.next(until, look))) {
        // Give up waiting for a notification, but not for the lock.
        const { reply } = await core.calls.make(key, machine, id, { op: 'giveUp', call: id, condition });
        notified = reply.is === 'done' && reply.count === 0;
        until = Deadline.NEVER;
      }
      const made = await core.calls.make(key, machine, id, { op: 'take', call: id, places, wait: true });
      if (this.isBack(hold, id, made.reply, made.version)) return notified;
      look = made.reply.is === 'waiting' ? made.reply.look : 0;
    }
  }

  private isBack({ standing }: ClusterHold, id: CallId, reply: PlacesReply, version: number): boolean {
    if (reply.is !== 'held') return false;
    standing.call = id;
    standing.token = reply.token === 0 ? version : reply.token;
    // Once this hold has reported a death, it does so until its end.
    standing.recovered ||= reply.recovered;
    return true;
  }

  private notHeld(what: string): NotOwnerError {
    return new NotOwnerError(`${this.title}: can't ${what}, the lock is no longer held; acquire it again`);
  }
}

showAsText(ClusterCondition);
