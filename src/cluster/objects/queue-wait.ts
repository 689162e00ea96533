/** QueueWait: a call that waits for a queue: for an item, for room, or in `join`. */

import { Deadline } from '../../deadline.ts';
import { LeaseLostError } from '../../errors.ts';
import type { Bell } from '../bells.ts';
import type { QueueMachine } from '../machines/kinds.ts';
import type { CallId } from '../machines/machine.ts';
import type { QueueCall, QueueReply } from '../machines/queue.ts';
import type { Lease } from '../session.ts';
import type { Core } from './core.ts';
import { within } from './core.ts';
import { ignoreLoss } from './places.ts';

/** The longest time that a call which gives up waits for the server's answer. */
const LEAVING_MS = 500;

/** Makes the call. `wait`: whether it may wait; `again`: whether it is not the first of its id. */
export type CallAs = (call: CallId, wait: boolean, again: boolean) => QueueCall;

export interface Got {
  readonly reply: QueueReply;
  readonly call: CallId;
  readonly lease: Lease;
}

export class QueueWait {
  private readonly core: Core;
  private readonly key: string;
  private readonly machine: QueueMachine;

  constructor(core: Core, key: string, machine: QueueMachine) {
    this.core = core;
    this.key = key;
    this.machine = machine;
  }

  /**
   * Repeats the call as long as the reply is to wait. Resolves to `undefined` when the deadline is
   * over first; then nothing was done. When the lease is lost, it starts again. Only a `put` that
   * is under way rejects then, because the server may have the item.
   */
  async make(deadline: Deadline, callAs: CallAs): Promise<Got | undefined> {
    const { core, key } = this;
    const bell = core.bells.hang(key);
    try {
      for (;;) {
        await core.session.ready();
        const { lease } = core.session;
        const got = await this.makeIn(lease, deadline, bell, callAs);
        if (got !== 'lost') return got;
        deadline.throwIfAborted();
        if (deadline.expired) return undefined;
      }
    } finally {
      bell.unhang();
    }
  }

  private async makeIn(
    lease: Lease,
    deadline: Deadline,
    bell: Bell,
    callAs: CallAs,
  ): Promise<Got | undefined | 'lost'> {
    const { core } = this;
    const call = core.session.nextCall();
    const wait = !deadline.expired;
    for (let again = false; ; again = true) {
      // A call that only waited may start again.
      if (!lease.valid) return 'lost';
      const asked = callAs(call, wait, again);
      try {
        const made = core.calls.make(this.key, this.machine, call, asked).then(({ reply }) => reply);
        const reply = wait ? await within(made, deadline, core) : await made;
        if (reply === undefined) return await this.giveUp(made, { call, lease }, asked, deadline);
        if (reply.is !== 'waiting') return { reply, call, lease };
        if (await bell.next(deadline, reply.look)) continue;
        await this.brief(this.tell(call, { op: 'leave', call }));
        deadline.throwIfAborted();
        return undefined;
      } catch (error) {
        if (asked.op === 'put' || !(error instanceof LeaseLostError)) throw error;
        return 'lost';
      }
    }
  }

  /** The deadline is over while the answer is under way. Takes an item that came in time. */
  private async giveUp(
    made: Promise<QueueReply>,
    { call, lease }: Omit<Got, 'reply'>,
    asked: QueueCall,
    deadline: Deadline,
  ): Promise<Got | undefined> {
    const late = await this.brief(made);
    if (late !== undefined && late.is !== 'waiting' && deadline.signal?.aborted !== true) {
      return { reply: late, call, lease };
    }
    const undone = made.then((reply) => this.undo(call, asked, reply)).catch(ignoreLoss);
    await this.brief(undone);
    deadline.throwIfAborted();
    return undefined;
  }

  /** Undoes a call whose caller has given up. */
  private async undo(of: CallId, asked: QueueCall, reply: QueueReply): Promise<void> {
    if (reply.is === 'waiting') return this.tell(of, { op: 'leave', call: of });
    const call = this.core.session.nextCall();
    if (reply.is === 'put') return this.tell(call, { op: 'unput', call, of, order: reply.order });
    if (reply.is !== 'got') return;
    await this.tell(
      call,
      asked.op === 'receive' ? { op: 'nack', call, of } : { op: 'back', call, item: reply.item },
    );
  }

  private async tell(id: CallId, call: QueueCall): Promise<void> {
    await this.core.calls.make(this.key, this.machine, id, call).catch(ignoreLoss);
  }

  /** The promise's value; `undefined` if the server is silent for some time. */
  private brief<Value>(promise: Promise<Value>): Promise<Value | undefined> {
    return within(promise, Deadline.from({ timeout: LEAVING_MS }), this.core);
  }
}
