/**
 * RedisStore: documents, sessions and rings at one Redis server (7.0 or newer) or Valkey (7.2 or
 * newer).
 *
 *   {ns}:o:<name>   document          {ns}:s:<session>   its epoch, and its lease by PX
 *   {ns}:r:<session>   channel of the rings
 *
 * Everything that decides is one script (redis-commit.ts), so it is done whole or not at all, and
 * by the server's clock. Publications are hints.
 */

import { createHash } from 'node:crypto';
import { clearTimeout, setTimeout } from '#clock';
import { StoreError } from '../../errors.ts';
import type { Commit, Committed, Snapshot, Store, StoreListener } from '../store.ts';
import { Outdated, SessionGone, Unreachable } from '../store.ts';
import type { RedisClient } from './redis-client.ts';
import { redisClient } from './redis-client.ts';
import { COMMIT, FENCE } from './redis-commit.ts';
import { hearRing } from './ring.ts';

const SHA = createHash('sha1').update(COMMIT).digest('hex');
const OLDEST = 7;

export class RedisStore implements Store {
  readonly title: string;
  readonly poll: number = 0;
  private readonly client: RedisClient;
  private readonly prefix: string;
  private readonly patience: number;
  private heard: string | undefined;
  private ended = false;

  private constructor(client: RedisClient, title: string, namespace: string, patience: number) {
    this.client = client;
    this.title = title;
    this.prefix = `{${namespace}}:`;
    this.patience = patience;
  }

  /** Connects, and checks the server. `patience`: milliseconds for which a reply is waited. */
  static async at(given: unknown, namespace: string, patience: number): Promise<RedisStore> {
    const title = typeof given === 'string' ? `Redis at ${withoutPassword(given)}` : 'Redis';
    const client = await redisClient(given);
    const store = new RedisStore(client, title, namespace, patience);
    // Without a listener an error of the connection would end the program.
    client.watch(
      () => {},
      () => {},
    );
    try {
      await store.checkServer();
      return store;
    } catch (error) {
      await client.end();
      if (error instanceof StoreError) throw error;
      const { message } = error as Error;
      throw new StoreError(`connect: ${title} can't be reached, ${message}; start it, or check the address`, {
        cause: error,
      });
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

  async read(key: string): Promise<Snapshot> {
    const { prefix } = this;
    return snapshotIn(await this.run([`${prefix}o:${key}`, '', 'read', '', '', '', prefix]));
  }

  async commit({ session, epoch, key, expect, body, sessions, rings, keep }: Commit): Promise<Committed> {
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
    const reply = await this.run(args);
    if (Number(reply[0]) === -1) throw new SessionGone('the session is dead');
    if (Number(reply[0]) === -2) throw new Outdated('the commit is of an earlier epoch');
    if (Number(reply[0]) === 1) return { done: true, version: Number(reply[1]), now: Number(reply[2]) };
    return { done: false, fresh: snapshotIn(reply) };
  }

  async end(): Promise<void> {
    this.ended = true;
    await this.client.end();
  }

  /** Runs the script, of which the server may know nothing after a restart. */
  private async run(args: readonly string[]): Promise<unknown[]> {
    try {
      return (await this.ask(this.client.command(['EVALSHA', SHA, '2', ...args]))) as unknown[];
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return (await this.ask(this.client.command(['EVAL', COMMIT, '2', ...args]))) as unknown[];
    }
  }

  /** Waits for a reply, but not forever: a stopped server still has the connection. */
  private ask<Reply>(reply: Promise<Reply>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Unreachable(`${this.title} has not answered for ${this.patience} ms`));
      }, this.patience);
      reply.then(
        (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        (error: Error) => {
          clearTimeout(timer);
          reject(this.ended || isRefusal(error) ? error : new Unreachable(error.message, { cause: error }));
        },
      );
    });
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

/** Whether the server itself has refused the command: it was not done. */
function isRefusal(error: Error): boolean {
  return /^(NOSCRIPT|ERR|WRONGTYPE|NOPERM|NOAUTH|OOM|WRONGPASS)\b/.test(error.message);
}

function snapshotIn(reply: readonly unknown[]): Snapshot {
  const [, now, version, body, ...dead] = reply.map(String);
  const text = body === '' ? null : body!;
  return { version: Number(version), body: text, dead, now: Number(now) };
}

function withoutPassword(url: string): string {
  try {
    const { host } = new URL(url);
    return host;
  } catch {
    return url;
  }
}
