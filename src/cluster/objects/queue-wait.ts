/** QueueWait: a call that waits for a queue: for an item, for room, or in `join`. */

import type { Deadline } from '../../deadline.ts';
import { LeaseLostError } from '../../errors.ts';
import type { Bell } from '../bells.ts';
import type { QueueMachine } from '../machines/kinds.ts';
import type { CallId } from '../machines/machine.ts';
import type { QueueCall, QueueReply } from '../machines/queue.ts';
import { ignoreEnd } from '../pending.ts';
import type { Lease } from '../session.ts';
import type { Core } from './core.ts';
import { answerTo, checkAnswered, inTime, untilReady } from './in-time.ts';
import { ignoreLoss } from './places.ts';

/** Makes the call. `wait`: whether it may wait; `again`: whether it is not the first of its id. */
export type CallAs = (call: CallId, wait: boolean, again: boolean) => QueueCall;

export interface Got {
  readonly reply: QueueReply;
  readonly call: CallId;
  readonly lease: Lease;
}

/** A call that waits. `refused` begins the message of its error. */
interface Waiting {
  readonly deadline: Deadline;
  readonly bell: Bell;
  readonly refused: string;
}

export class QueueWait {
  private readonly core: Core;
  private readonly key: string;
  private readonly machine: QueueMachine;
  private readonly title: string;

  constructor(core: Core, key: string, machine: QueueMachine, title: string) {
    this.core = core;
    this.key = key;
    this.machine = machine;
    this.title = title;
  }

  /**
   * Repeats the call as long as the reply is to wait. Resolves to `undefined` when the deadline is
   * over first; then nothing was done. Rejects with `StoreError` if the server does not answer
   * then. When the lease is lost, it starts again. Only a `put` that is under way rejects then,
   * because the server may have the item.
   */
  async make(what: string, deadline: Deadline, callAs: CallAs): Promise<Got | undefined> {
    const { core, key } = this;
    const bell = core.bells.hang(key);
    const refused = `${this.title}: can't ${what}`;
    try {
      for (let waited = false; ; waited = true) {
        await untilReady(core, deadline, waited, refused);
        const { lease } = core.session;
        const got = await this.makeIn(lease, { deadline, bell, refused }, callAs);
        if (got !== 'lost') return got;
        deadline.throwIfAborted();
      }
    } finally {
      bell.unhang();
    }
  }

  private async makeIn(
    lease: Lease,
    { deadline, bell, refused }: Waiting,
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
        const reply = await inTime(made, deadline, core);
        if (reply === undefined || deadline.signal?.aborted === true) {
          const undone = made.then((late) => this.undo(call, asked, late)).catch(ignoreEnd);
          if (reply !== undefined) await answerTo(undone, deadline, core);
        }
        checkAnswered(reply, deadline, core, refused);
        if (reply.is !== 'waiting') return { reply, call, lease };
        if (await bell.next(deadline, reply.look)) continue;
        const left = await answerTo(this.tell(call, { op: 'leave', call }), deadline, core);
        checkAnswered(left, deadline, core, refused);
        return undefined;
      } catch (error) {
        if (asked.op === 'put' || !(error instanceof LeaseLostError)) throw error;
        return 'lost';
      }
    }
  }

  /** Undoes a call whose caller has given up. */
  private async undo(of: CallId, asked: QueueCall, reply: QueueReply): Promise<true> {
    if (reply.is === 'waiting') return this.tell(of, { op: 'leave', call: of });
    const call = this.core.session.nextCall();
    if (reply.is === 'put') return this.tell(call, { op: 'unput', call, of, order: reply.order });
    if (reply.is !== 'got') return true;
    return this.tell(
      call,
      asked.op === 'receive' ? { op: 'nack', call, of } : { op: 'back', call, item: reply.item },
    );
  }

  private async tell(id: CallId, call: QueueCall): Promise<true> {
    await this.core.calls.make(this.key, this.machine, id, call).catch(ignoreLoss);
    return true;
  }
}
