/**
 * PostgresListener: hears the rings by LISTEN, in a connection of its own that is opened again
 * whenever it is lost. Rings are hints, so no call waits for this connection. While there is none,
 * for example because the server has no free ones, waiters look every `poll` milliseconds.
 */

import { clearInterval, clearTimeout, setInterval, setTimeout } from '#clock';
import type { StoreListener } from '../store.ts';
import { hearRing } from './ring.ts';

export interface PgClientLike {
  connect(): Promise<unknown>;
  query(text: string): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  end(): Promise<void>;
}

const RETRY_MS = 100;
const MOST_RETRY_MS = 2_000;

/**
 * Lifts `idle_session_timeout`: this connection only listens, so it counts as idle. Servers before
 * version 14 have no such limit.
 */
const STAY = `SELECT set_config('idle_session_timeout', '0', false)
  WHERE current_setting('server_version_num')::int >= 140000`;

/** A channel's name has at most 63 bytes: a session's has 12. */
export function channelOf(session: string): string {
  return `lockstep_${session}`;
}

export class PostgresListener {
  private readonly makeClient: () => PgClientLike;
  private client: PgClientLike | undefined;
  private channel = '';
  private listener: StoreListener | undefined;
  private connecting = false;
  private ended = false;
  private pause = RETRY_MS;
  private readonly poll: number;
  private polling: NodeJS.Timeout | undefined;
  private retry: NodeJS.Timeout | undefined;

  constructor(makeClient: () => PgClientLike, poll: number) {
    this.makeClient = makeClient;
    this.poll = poll;
  }

  /** Hears the rings of this session from now on, and no others. */
  async hear(session: string, listener: StoreListener): Promise<void> {
    this.channel = channelOf(session);
    this.listener = listener;
    const { client } = this;
    if (client === undefined) await this.connect();
    // A failure ends the connection, and that opens it again.
    else await this.listen(client).catch(() => undefined);
  }

  async end(): Promise<void> {
    this.ended = true;
    clearInterval(this.polling);
    clearTimeout(this.retry);
    const { client } = this;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  private async listen(client: PgClientLike): Promise<void> {
    await client.query(`UNLISTEN *; LISTEN "${this.channel}"`);
  }

  private async connect(): Promise<void> {
    if (this.connecting || this.ended || this.client !== undefined) return;
    this.connecting = true;
    clearTimeout(this.retry);
    this.retry = undefined;
    const client = this.makeClient();
    const lost = (reason: unknown): void => this.lost(client, reason);
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', (message) => this.ring(message as { payload?: string }));
    try {
      await client.connect();
      await client.query(STAY);
      await this.listen(client);
      this.client = client;
      clearInterval(this.polling);
      this.polling = undefined;
      this.pause = RETRY_MS;
      this.listener?.up();
    } catch {
      client.end().catch(() => undefined);
      this.connectLater();
    } finally {
      this.connecting = false;
    }
    if (this.ended) await this.end();
  }

  private lost(client: PgClientLike, reason: unknown): void {
    if (client !== this.client) return;
    this.client = undefined;
    this.listener?.down(reason instanceof Error ? reason : new Error('the connection was closed'));
    this.connectLater();
  }

  private connectLater(): void {
    if (this.ended || this.retry !== undefined) return;
    this.polling ??= setInterval(() => this.listener?.missed(), this.poll).unref();
    this.pause = Math.min(MOST_RETRY_MS, this.pause * 2);
    this.retry = setTimeout(() => void this.connect(), this.pause * (0.5 + Math.random() / 2)).unref();
  }

  private ring({ payload = '' }: { payload?: string }): void {
    if (this.listener !== undefined) hearRing(payload, this.listener);
  }
}
