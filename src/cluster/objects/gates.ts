/** ClusterEvent and ClusterLatch: waiting until something has happened, over all processes. */

import type { AsyncEvent, AsyncLatch } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { Deadline } from '../../deadline.ts';
import { LeaseLostError } from '../../errors.ts';
import { showAsText } from '../../readable.ts';
import type { GateMachine } from '../machines/kinds.ts';
import { eventOf, latchOf } from '../machines/kinds.ts';
import type { Core } from './core.ts';
import { perform, within } from './core.ts';
import { ignoreLoss } from './places.ts';
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
   * Waits until it is open; resolves to `true`, or to `false` when the timeout has passed.
   * *Cancels* by `signal`. If the session is lost, the wait starts again. It then misses an event
   * that was set and cleared in between.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const deadline = Deadline.begin(options);
    const { core, machine, name: key } = this;
    const bell = core.bells.hang(key);
    try {
      for (let joins = true; ; ) {
        await core.session.ready();
        const id = core.session.nextCall();
        try {
          for (;;) {
            const made = core.calls.make(key, machine, id, { op: 'wait', call: id, joins });
            const result = deadline.expired && joins ? await made : await within(made, deadline, core);
            if (result?.reply.is === 'open') return true;
            joins = false;
            if (result !== undefined && (await bell.next(deadline, 0))) continue;
            const left = core.calls.make(key, machine, id, { op: 'leave', call: id });
            if (core.session.state !== 'connected') left.catch(ignoreLoss);
            // The gate opened before the call could give up.
            else if ((await left).reply.is === 'open' && !deadline.signal?.aborted) return true;
            deadline.throwIfAborted();
            return false;
          }
        } catch (error) {
          if (!(error instanceof LeaseLostError)) throw error;
          joins = true;
          deadline.throwIfAborted();
          if (deadline.expired) return false;
        }
      }
    } finally {
      bell.unhang();
    }
  }

  /** @internal */
  protected async view(): Promise<{ left: number; waiting: number }> {
    const { reply } = await perform(this.core, this.name, this.machine, () => ({ op: 'look' as const }));
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
