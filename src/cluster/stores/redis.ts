/**
 * RedisStore: documents, sessions and rings at one Redis server (7.0 or newer) or Valkey (7.2 or
 * newer).
 *
 *   {ns}:o:<name>   document          {ns}:s:<session>   its epoch, and its lease by PX
 *   {ns}:q:<name>   a queue's items   {ns}:m:<session>:<name>   the queue's last replies to it
 *   {ns}:r:<session>   channel of the rings
 *
 * Each decision is made by one script (redis-commit.ts), so it is done whole or not at all, and by
 * the server's clock. Publications are hints.
 */

import { createHash } from 'node:crypto';
import { StoreError } from '../../errors.ts';
import type {
  Batch,
  Commit,
  Committed,
  Served,
  Snapshot,
  Store,
  StoreListener,
  Turn,
  Turned,
} from '../store.ts';
import { Unreachable } from '../store.ts';
import { Patience } from './patience.ts';
import { argumentsOf } from './queue-calls.ts';
import type { RedisClient } from './redis-client.ts';
import { redisClient } from './redis-client.ts';
import { COMMIT, FENCE } from './redis-commit.ts';
import { reasonOf, refusalIn } from './redis-errors.ts';
import { PLACES } from './redis-places.ts';
import { QUEUE } from './redis-queue.ts';
import { committedIn, readIn, servedIn, turnedIn } from './redis-replies.ts';
import { hearRing } from './ring.ts';

interface Script {
  readonly text: string;
  readonly sha: string;
  /** How many of its arguments are keys. */
  readonly keys: string;
}

const commitScript = scriptOf(COMMIT, 2);
const placesScript = scriptOf(PLACES, 2);
const queueScript = scriptOf(QUEUE, 4);
const OLDEST = 7;

export class RedisStore implements Store {
  readonly title: string;
  readonly poll: number = 0;
  private readonly client: RedisClient;
  private readonly prefix: string;
  private readonly patience: Patience;
  private heard: string | undefined;
  private ended = false;

  private constructor(client: RedisClient, title: string, namespace: string, patience: number) {
    this.client = client;
    this.title = title;
    this.prefix = `{${namespace}}:`;
    this.patience = new Patience(patience);
  }

  get gone(): string | undefined {
    return this.client.isClosed ? 'the program has closed the client' : undefined;
  }

  get sendsAtOnce(): boolean {
    return this.client.sendsAtOnce;
  }

  /** Connects, and checks the server. `patience`: milliseconds to wait for a reply. */
  static async at(given: unknown, namespace: string, patience: number): Promise<RedisStore> {
    const title = typeof given === 'string' ? `Redis at ${withoutPassword(given)}` : 'Redis';
    const client = await redisClient(given);
    const store = new RedisStore(client, title, namespace, patience);
    let reason: Error | undefined;
    // The clients retry by themselves, even with a password that the server has refused.
    const refused = new Promise<never>((_, reject) => {
      const down = (error: Error): void => {
        reason = error;
        const refusal = refusalIn(error, title, 'connect');
        if (refusal !== undefined) reject(refusal);
      };
      client.watch(() => {}, down);
    });
    refused.catch(() => undefined);
    try {
      await Promise.race([store.checkServer(), refused]);
      return store;
    } catch (error) {
      await client.end();
      if (error instanceof StoreError) throw error;
      const cause = reason ?? (error as Error);
      throw new StoreError(
        `connect: ${title} can't be reached, ${reasonOf(cause)}; start it, or check its URL`,
        { cause },
      );
    }
  }

  async open(session: string, leaseMs: number, listener: StoreListener): Promise<void> {
    if (this.heard === undefined) this.client.watch(listener.up, listener.down);
    else await this.client.unsubscribe(this.heard).catch(() => undefined);
    this.heard = `${this.prefix}r:${session}`;
    const hear = (message: string): void => hearRing(message, listener);
    await this.ask(this.client.subscribe(this.heard, hear, listener.up));
    await this.ask(this.client.command(['SET', `${this.prefix}s:${session}`, '0', 'PX', String(leaseMs)]));
  }

  async renew(session: string, leaseMs: number): Promise<boolean> {
    const key = `${this.prefix}s:${session}`;
    return Number(await this.ask(this.client.command(['PEXPIRE', key, String(leaseMs)]))) === 1;
  }

  async fence(session: string, epoch: number): Promise<boolean> {
    const key = `${this.prefix}s:${session}`;
    return Number(await this.ask(this.client.command(['EVAL', FENCE, '1', key, String(epoch)]))) === 1;
  }

  async close(session: string): Promise<void> {
    await this.ask(this.client.command(['DEL', `${this.prefix}s:${session}`]));
  }

  read(key: string, session: string): Promise<Snapshot> {
    const { prefix } = this;
    return this.run(
      commitScript,
      [`${prefix}o:${key}`, `${prefix}s:${session}`, 'read', '', '', '', prefix],
      readIn,
    );
  }

  commit({ session, epoch, key, expect, body, sessions, rings, keep }: Commit): Promise<Committed> {
    const { prefix } = this;
    const args = [
      `${prefix}o:${key}`,
      `${prefix}s:${session}`,
      String(expect),
      sessions.join(','),
      body ?? '',
      String(keep),
      prefix,
      key,
      String(epoch),
    ];
    for (const { to, after } of rings) args.push(to.slice(0, to.indexOf('/')), String(after));
    return this.run(commitScript, args, committedIn);
  }

  turn(turn: Turn): Promise<Turned> {
    const { prefix } = this;
    const { session, epoch, key, kind, of, call, alone, claim, wantsBody } = turn;
    const places = call.op === 'leave' ? of : call.places;
    const most = call.op === 'give' ? call.most : 0;
    const since = (call.op === 'take' && call.since) || 0;
    const args = [
      `${prefix}o:${key}`,
      `${prefix}s:${session}`,
      call.op === 'take' && !call.wait ? 'try' : call.op,
      String(epoch),
      alone && `|${session}|${alone}`,
      // One argument instead of eight, because each has its cost.
      `${kind} ${of} ${places} ${claim} ${most} ${wantsBody ? 1 : 0} ${since} ${call.call}`,
    ];
    return this.run(placesScript, args, (reply) => turnedIn(reply, turn));
  }

  serve({ session, epoch, key, kind, counts, serial, calls, claim }: Batch): Promise<Served> {
    const { prefix } = this;
    const args = [
      `${prefix}o:${key}`,
      `${prefix}s:${session}`,
      `${prefix}q:${key}`,
      `${prefix}m:${session}:${key}`,
      String(epoch),
      String(serial),
      kind,
      counts ? '1' : '0',
      String(claim),
      session,
    ];
    for (const call of calls) args.push(...argumentsOf(call));
    return this.run(queueScript, args, servedIn);
  }

  async end(): Promise<void> {
    this.ended = true;
    this.patience.stop();
    await this.client.end();
  }

  /** Runs the script, which the server may not have after a restart. */
  private run<Result>(
    { text, sha, keys }: Script,
    args: readonly string[],
    read: (reply: unknown) => Result,
  ): Promise<Result> {
    return this.ask(this.client.command(['EVALSHA', sha, keys, ...args]), read, (error) =>
      error.message.startsWith('NOSCRIPT')
        ? this.ask(this.client.command(['EVAL', text, keys, ...args]), read)
        : undefined,
    );
  }

  /**
   * Waits for a reply, but not forever: a stopped server still has the connection. `again` may try
   * once more after an error.
   */
  private ask<Reply, Result = Reply>(
    command: Promise<Reply>,
    read?: (reply: Reply) => Result,
    again?: (error: Error) => Promise<Result> | undefined,
  ): Promise<Result> {
    const { patience } = this;
    return new Promise((resolve, reject) => {
      const asked = patience.begin(() => {
        reject(new Unreachable(`${this.title} has not answered for ${patience.milliseconds} ms`));
      });
      const answered = (reply: Reply): void => {
        patience.end(asked);
        try {
          resolve(read === undefined ? (reply as unknown as Result) : read(reply));
        } catch (error) {
          reject(error);
        }
      };
      const failed = (error: Error): void => {
        // The call was given up: a retry would only come late.
        if (!patience.end(asked)) return;
        const other = again?.(error);
        if (other !== undefined) resolve(other);
        else if (this.ended || this.gone !== undefined) reject(this.closed(error));
        else reject(refusalIn(error, this.title) ?? new Unreachable(reasonOf(error), { cause: error }));
      };
      command.then(answered, failed);
    });
  }

  private closed(cause: Error): StoreError {
    const why = this.ended ? 'it is closed' : this.gone;
    return new StoreError(`cluster: can't be used, ${why}; connect again`, { cause });
  }

  private async checkServer(): Promise<void> {
    const text = String(await this.ask(this.client.command(['INFO', 'server'])));
    const version = /valkey_version:(\S+)/.exec(text)?.[1] ?? /redis_version:(\S+)/.exec(text)?.[1] ?? '0';
    if (Number.parseInt(version, 10) < OLDEST) {
      throw new StoreError(
        `connect: refused, ${this.title} has version ${version}; use Redis 7.0, Valkey 7.2 or newer`,
      );
    }
    const memory = String(await this.ask(this.client.command(['INFO', 'memory'])));
    const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1] ?? 'noeviction';
    if (policy !== 'noeviction') {
      throw new StoreError(
        `connect: refused, ${this.title} may evict what is held, its maxmemory-policy is ${policy}; set it to noeviction`,
      );
    }
  }
}

function scriptOf(text: string, keys: number): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex'), keys: String(keys) };
}

function withoutPassword(url: string): string {
  try {
    const { host } = new URL(url);
    return host;
  } catch {
    return url;
  }
}
