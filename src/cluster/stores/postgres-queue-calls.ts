/** QueueCalls: has a PostgreSQL server make calls on a queue (postgres-queue.ts). */

import type { QueueReply } from '../machines/queue.ts';
import type { Batch, Served } from '../store.ts';
import { Outdated, SessionGone } from '../store.ts';
import { argumentsOf, replyIn } from './queue-calls.ts';

const SERVE = 'SELECT lockstep.serve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS reply';

export class QueueCalls {
  private readonly namespace: string;
  private readonly query: (text: string, values: unknown[]) => Promise<unknown[]>;

  constructor(namespace: string, query: (text: string, values: unknown[]) => Promise<unknown[]>) {
    this.namespace = namespace;
    this.query = query;
  }

  /** Makes all calls, in as many parts as the server needs. */
  async serve(batch: Batch): Promise<Served> {
    const args = batch.calls.flatMap(argumentsOf);
    let made = 0;
    for (let forced = false; ; ) {
      const served = await this.part(batch, args, made, forced);
      if (!served.done || served.replies.length === batch.calls.length) return served;
      forced = served.replies.length === made;
      made = served.replies.length;
    }
  }

  /** Makes some of the calls that follow on those that are made; replies to all from the first. */
  async part(batch: Batch, args: readonly string[], made: number, forced: boolean): Promise<Served> {
    const { session, epoch, key, kind, counts, claim, serial } = batch;
    const values = [session, epoch, this.namespace, key, kind, counts, claim, serial, made, forced, args];
    const [{ reply }] = (await this.query(SERVE, values)) as [{ reply: string }];
    if (reply === '-1') throw new SessionGone('the session is dead');
    if (reply === '-2') throw new Outdated('the batch is of an earlier epoch');
    if (reply.startsWith('0|')) return { done: false, kind: reply.slice(2) };
    const end = reply.indexOf('|', 2);
    const replies = (JSON.parse(reply.slice(end + 1)) as string[]).map((each): QueueReply => replyIn(each));
    return { done: true, now: Number(reply.slice(2, end)), replies };
  }
}
