/**
 * Connections: sends statements by a pool of `pg`. From its own pool it keeps one connection
 * checked out, and asks the pool only while that is busy. Checking a connection out and in costs a
 * third of a short statement.
 */

export interface PgQuery {
  readonly name?: string;
  readonly text: string;
  readonly values?: unknown[];
}

interface PgPoolClient {
  query(query: PgQuery): Promise<{ rows: unknown[] }>;
  on(event: 'error', listener: (reason: Error) => void): unknown;
  release(reason?: Error): void;
}

/** A pool of `pg`, as far as it is used. */
export interface PgPoolLike {
  query(query: { name?: string; text: string; values?: unknown[] }): Promise<{ rows: unknown[] }>;
  connect(): Promise<PgPoolClient>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  end(): Promise<void>;
  readonly totalCount: number;
  readonly ended?: boolean;
  readonly options?: object;
}

/**
 * The pool's options, to connect as it does. They are read one by one, because the pool hides its
 * secrets from copies.
 */
export function optionsOf({ options = {} }: PgPoolLike): object {
  const { password, ssl } = options as { password?: unknown; ssl?: unknown };
  return {
    ...options,
    ...(password === undefined ? {} : { password }),
    ...(ssl === undefined ? {} : { ssl }),
  };
}

export class Connections {
  private readonly pool: PgPoolLike;
  private readonly keeps: boolean;
  /** The connection that is kept; `undefined` while it is busy, or before there is one. */
  private idle: PgPoolClient | undefined;
  private kept: PgPoolClient | undefined;
  private connecting = false;
  private ended = false;

  constructor(pool: PgPoolLike, keeps: boolean) {
    this.pool = pool;
    this.keeps = keeps;
  }

  /** Whether the connection that is kept can take a statement now. */
  get isIdle(): boolean {
    return this.idle !== undefined;
  }

  async query(query: PgQuery): Promise<{ rows: unknown[] }> {
    if (this.keeps && this.kept === undefined && !this.connecting) await this.connect();
    const client = this.idle;
    if (client === undefined) return this.pool.query(query);
    this.idle = undefined;
    try {
      return await client.query(query);
    } finally {
      if (this.kept === client) this.idle = client;
    }
  }

  /** Puts the connection back, so that the pool can end. */
  end(): void {
    this.ended = true;
    if (this.kept !== undefined) this.drop(this.kept);
  }

  private async connect(): Promise<void> {
    this.connecting = true;
    try {
      const client = await this.pool.connect();
      this.kept = client;
      this.idle = client;
      client.on('error', (reason) => this.drop(client, reason));
      if (this.ended) this.drop(client);
    } finally {
      this.connecting = false;
    }
  }

  private drop(client: PgPoolClient, reason?: Error): void {
    if (this.kept !== client) return;
    const busy = this.idle === undefined;
    this.kept = undefined;
    this.idle = undefined;
    client.release(reason ?? (busy ? new Error('the cluster was closed') : undefined));
  }
}
