/** ClusterEvent and ClusterLatch: waiting until something has happened, over all processes. */

import type { AsyncEvent, AsyncLatch } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { Deadline } from '../../deadline.ts';
import { LeaseLostError } from '../../errors.ts';
import { showAsText } from '../../readable.ts';
import type { Bell } from '../bells.ts';
import type { GateCall, GateReply } from '../machines/gate.ts';
import type { GateMachine } from '../machines/kinds.ts';
import { eventOf, latchOf } from '../machines/kinds.ts';
import type { CallId } from '../machines/machine.ts';
import { ignoreEnd } from '../pending.ts';
import type { Core } from './core.ts';
import { look, perform } from './core.ts';
import { answerTo, checkAnswered, inTime, untilReady } from './in-time.ts';
import { checkCount } from './semaphore.ts';

const EVENT = eventOf();

abstract class ClusterGate {
  readonly name: string;
  protected readonly core: Core;
  protected readonly machine: GateMachine;
  protected readonly title: string;

  protected constructor(core: Core, machine: GateMachine, name: string) {
    this.core = core;
    this.machine = machine;
    this.name = name;
    this.title = `${machine.kind} ${JSON.stringify(name)}`;
  }

  /** Its kind and name. Only the server knows its state. */
  toString(): string {
    return `<${this.title}>`;
  }

  /**
   * Waits until it is open; resolves to `true`, or to `false` when the timeout has passed. Rejects
   * with `StoreError` if the server can't be reached then. *Cancels* by `signal`. If the session is
   * lost, the wait starts again. It then misses an event that was set and cleared in between.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const deadline = Deadline.begin(options);
    const { core, name: key } = this;
    const bell = core.bells.hang(key);
    try {
      for (let waited = false; ; waited = true) {
        await untilReady(core, deadline, waited, this.refused);
        try {
          return await this.waitAs(core.session.nextCall(), bell, deadline);
        } catch (error) {
          if (!(error instanceof LeaseLostError)) throw error;
          deadline.throwIfAborted();
        }
      }
    } finally {
      bell.unhang();
    }
  }

  private get refused(): string {
    return `${this.title}: can't wait`;
  }

  private async waitAs(call: CallId, bell: Bell, deadline: Deadline): Promise<boolean> {
    const { core } = this;
    for (let joins = true; ; joins = false) {
      const answer = await inTime(this.make({ op: 'wait', call, joins }), deadline, core);
      if (answer === 'open') return true;
      if (answer !== undefined && (await bell.next(deadline, 0))) continue;
      // The gate may open before the call can give up.
      const left = this.make({ op: 'leave', call });
      left.catch(ignoreEnd);
      const last = answer === undefined ? undefined : await answerTo(left, deadline, core);
      checkAnswered(last, deadline, core, this.refused);
      return last === 'open';
    }
  }

  private async make(call: GateCall & { op: 'wait' | 'leave' }): Promise<GateReply['is']> {
    const { reply } = await this.core.calls.make(this.name, this.machine, call.call, call);
    return reply.is;
  }

  /** @internal */
  protected async view(): Promise<{ left: number; waiting: number }> {
    const reply = await look(this.core, this.name, this.machine, { op: 'look' });
    return reply.is === 'view' ? reply : { left: 0, waiting: 0 };
  }

  /** @internal */
  protected async change(op: 'count' | 'shut', n: number): Promise<number> {
    const { reply } = await perform(this.core, this.name, this.machine, (call) =>
      op === 'count' ? { op, call, n } : { op, call },
    );
    return reply.is === 'done' ? reply.left : 0;
  }
}

/**
 * A flag over all processes of the cluster. `set` frees all waiters, even if `clear` follows
 * immediately.
 */
export class ClusterEvent extends ClusterGate implements AsyncEvent {
  /** @internal */
  constructor(core: Core, name: string) {
    super(core, EVENT, name);
  }

  async isSet(): Promise<boolean> {
    return (await this.view()).left === 0;
  }

  async set(): Promise<void> {
    await this.change('count', 1);
  }

  async clear(): Promise<void> {
    await this.change('shut', 1);
  }

  async describe(): Promise<{ kind: 'Event'; name: string; set: boolean; waiting: number }> {
    const { left, waiting } = await this.view();
    return { kind: 'Event', name: this.name, set: left === 0, waiting };
  }
}

/**
 * A count that goes down to zero once, over all processes of the cluster. At zero all waiters go
 * through.
 */
export class ClusterLatch extends ClusterGate implements AsyncLatch {
  /** @internal */
  constructor(core: Core, name: string, count: number) {
    checkCount(`Latch ${JSON.stringify(name)}`, 'its count', count, 0);
    super(core, latchOf(count), name);
  }

  /** The count that is left. */
  get count(): Promise<number> {
    return this.view().then(({ left }) => left);
  }

  /** Counts `n` down; resolves to the count that is left. */
  async countDown(n = 1): Promise<number> {
    checkCount(this.title, 'n', n, 1);
    return this.change('count', n);
  }

  async describe(): Promise<{ kind: 'Latch'; name: string; count: number; waiting: number }> {
    const { left, waiting } = await this.view();
    return { kind: 'Latch', name: this.name, count: left, waiting };
  }
}

showAsText(ClusterGate);
