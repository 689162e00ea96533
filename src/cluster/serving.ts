/**
 * Serving: calls on a queue that the store makes by itself, many in one request (`Store.serve`).
 *
 * The calls of one process on one queue go one batch after another. If the reply to a batch is
 * lost, the process raises its epoch at the server, and sends the batch again under the same serial
 * number. The server then repeats its replies, or makes the calls if the batch had never arrived.
 */

import { nameTaken } from './document.ts';
import type { QueueCall } from './machines/queue.ts';
import type { Pending } from './pending.ts';
import type { Session } from './session.ts';
import type { Store } from './store.ts';
import { Outdated, SessionGone, Unreachable } from './store.ts';

export class Serving {
  private readonly store: Store;
  private readonly session: Session;
  private readonly claim: number;
  private serial = 0;

  constructor(store: Store, session: Session, claim: number) {
    this.store = store;
    this.session = session;
    this.claim = claim;
  }

  /** Makes and settles the calls, which all belong to one session and one queue. */
  async make(key: string, batch: readonly Pending[]): Promise<void> {
    const { machine, session } = batch[0]!;
    const { kind, counts = false } = machine;
    const serial = ++this.serial;
    const calls = batch.map(({ call }) => call as QueueCall);
    for (;;) {
      this.session.checkAlive(session);
      const { epoch } = this.session.lease;
      const { claim } = this;
      try {
        const served = await this.store.serve!({ session, epoch, key, kind, counts, serial, calls, claim });
        if (!served.done) throw nameTaken(kind, key, served.kind);
        for (const [index, { resolve }] of batch.entries())
          resolve({ reply: served.replies[index], version: 0 });
        return;
      } catch (error) {
        if (error instanceof SessionGone) throw this.session.lose(session);
        // Retry: another call of this process has raised the epoch meanwhile, so nothing was done.
        if (error instanceof Outdated) continue;
        if (!(error instanceof Unreachable)) throw error;
        await this.session.fence(session, error);
      }
    }
  }
}
