/**
 * RedisClient: the few things that the store asks of a Redis client, over node-redis and ioredis.
 *
 * The two differ where the connection is lost. node-redis rejects the commands under way, which may
 * have been done. ioredis sends them again by itself. That is harmless here, because each commit
 * expects a version. Both keep new commands back until the connection is there again. The store
 * does not wait for that without limit: each command has a time limit of its own.
 */

import { inspect } from 'node:util';
import { InvalidTypeError, StoreError } from '../../errors.ts';

export interface RedisClient {
  /** Whether a command made now is written to the socket before the call returns. */
  readonly sendsAtOnce: boolean;
  /** Whether the program has closed its client. */
  readonly isClosed: boolean;
  command(args: readonly string[]): Promise<unknown>;
  /** Subscribes with a separate connection. `up` is called whenever that is back. */
  subscribe(channel: string, hear: (message: string) => void, up: () => void): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** Calls `up` and `down` when the command connection comes and goes. */
  watch(up: () => void, down: (reason: Error) => void): void;
  /** Closes the connections that were opened here; a client of the program's own stays open. */
  end(): Promise<void>;
}

/** A client of node-redis (`redis`), as far as it is used. */
export interface NodeRedisLike {
  sendCommand(args: string[]): Promise<unknown>;
  duplicate(): NodeRedisLike;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  destroy(): void;
  readonly isOpen: boolean;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** A client of ioredis, as far as it is used. */
export interface IoredisLike {
  call(command: string, ...args: string[]): Promise<unknown>;
  duplicate(): IoredisLike;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  disconnect(): void;
  readonly status: string;
  readonly options?: { readonly enableAutoPipelining?: boolean | undefined } | undefined;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** Makes a client for the URL, with node-redis or else ioredis, or takes the program's own. */
export async function redisClient(given: unknown): Promise<RedisClient> {
  if (typeof given === 'string') return clientAt(given);
  if (isNodeRedis(given)) return new NodeRedis(given, !given.isOpen);
  if (isIoredis(given)) return new Ioredis(given, false);
  throw new InvalidTypeError(
    `connect: refused, redis is ${inspect(given, { depth: 0 })}; pass a URL, or a client of redis or ioredis`,
  );
}

async function clientAt(url: string): Promise<RedisClient> {
  const redis = await found<{ createClient(options: object): NodeRedisLike }>('redis');
  if (redis !== undefined) {
    const reconnectStrategy = (tries: number): number => Math.min(20 * 2 ** Math.min(tries, 4), 250);
    const socket = { reconnectStrategy, connectTimeout: 2000 };
    return new NodeRedis(redis.createClient({ url, socket }), true);
  }
  const ioredis = await found<{ Redis: new (url: string, options: object) => IoredisLike }>('ioredis');
  if (ioredis !== undefined) {
    const retryStrategy = (tries: number): number => Math.min(20 * 2 ** Math.min(tries, 4), 250);
    return new Ioredis(new ioredis.Redis(url, { retryStrategy, connectTimeout: 2000 }), true);
  }
  throw new StoreError(
    'connect: no client for Redis is installed; run `npm install redis`, or `npm install ioredis`',
  );
}

/** The module, if the program has it. */
async function found<Module>(name: string): Promise<Module | undefined> {
  try {
    return (await import(name)) as Module;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function isNodeRedis(given: unknown): given is NodeRedisLike {
  const client = given as Partial<NodeRedisLike> | null | undefined;
  return typeof client?.sendCommand === 'function' && typeof client.isOpen === 'boolean';
}

function isIoredis(given: unknown): given is IoredisLike {
  const client = given as Partial<IoredisLike> | null | undefined;
  return typeof client?.call === 'function' && typeof client.status === 'string';
}

abstract class Client<Library extends NodeRedisLike | IoredisLike> implements RedisClient {
  protected readonly library: Library;
  protected readonly own: boolean;
  protected subscriber: Library | undefined;
  private unwatch: (() => void) | undefined;

  constructor(library: Library, own: boolean) {
    this.library = library;
    this.own = own;
  }

  watch(up: () => void, down: (reason: Error) => void): void {
    this.unwatch?.();
    this.unwatch = watchLibrary(this.library, { up, down });
  }

  async end(): Promise<void> {
    this.unwatch?.();
    // Ignore errors of a connection that is being closed.
    if (this.own) this.library.on('error', () => {});
    if (this.subscriber !== undefined) this.drop(this.subscriber);
    if (this.own) this.drop(this.library);
  }

  abstract readonly sendsAtOnce: boolean;
  abstract readonly isClosed: boolean;
  abstract command(args: readonly string[]): Promise<unknown>;
  abstract subscribe(channel: string, hear: (message: string) => void, up: () => void): Promise<void>;
  abstract unsubscribe(channel: string): Promise<void>;
  protected abstract drop(library: Library): void;
}

interface Watcher {
  up(): void;
  down(reason: Error): void;
}

/** The watchers of each client: any number of stores may share one, with one listener an event. */
const watched = new WeakMap<object, Set<Watcher>>();

function watchLibrary(library: NodeRedisLike | IoredisLike, watcher: Watcher): () => void {
  const watchers = watched.get(library) ?? new Set();
  if (!watched.has(library)) {
    watched.set(library, watchers);
    const down = (reason: unknown): void => {
      const error = reason instanceof Error ? reason : new Error('the connection was closed');
      for (const each of [...watchers]) each.down(error);
    };
    library.on('ready', () => {
      for (const each of [...watchers]) each.up();
    });
    for (const event of ['error', 'close', 'end', 'reconnecting']) library.on(event, down);
  }
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

class NodeRedis extends Client<NodeRedisLike> {
  private opening: Promise<unknown> | undefined;
  private opened = false;
  /** It collects commands until the present turn of the event loop is over. */
  readonly sendsAtOnce = false;

  get isClosed(): boolean {
    return !this.own && !this.library.isOpen;
  }

  command(args: readonly string[]): Promise<unknown> {
    if (this.opened) return this.library.sendCommand(args as string[]);
    return this.open().then(() => this.library.sendCommand(args as string[]));
  }

  private async open(): Promise<void> {
    if (this.own && !this.library.isOpen) this.opening ??= this.library.connect();
    await this.opening;
    this.opened = true;
  }

  async subscribe(channel: string, hear: (message: string) => void, up: () => void): Promise<void> {
    if (this.subscriber === undefined) {
      this.subscriber = this.library.duplicate();
      this.subscriber.on('error', () => {});
      this.subscriber.on('ready', up);
      await this.subscriber.connect();
    }
    await this.subscriber.subscribe(channel, hear);
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.subscriber?.unsubscribe(channel);
  }

  protected drop(library: NodeRedisLike): void {
    if (library.isOpen) library.destroy();
  }
}

class Ioredis extends Client<IoredisLike> {
  private readonly hearers = new Map<string, (message: string) => void>();

  get sendsAtOnce(): boolean {
    const { status, options } = this.library;
    return status === 'ready' && options?.enableAutoPipelining !== true;
  }

  get isClosed(): boolean {
    return !this.own && this.library.status === 'end';
  }

  command([name, ...args]: readonly string[]): Promise<unknown> {
    return this.library.call(name!, ...args);
  }

  async subscribe(channel: string, hear: (message: string) => void, up: () => void): Promise<void> {
    this.hearers.set(channel, hear);
    if (this.subscriber === undefined) {
      this.subscriber = this.library.duplicate();
      this.subscriber.on('error', () => {});
      this.subscriber.on('ready', up);
      const heard = (from: string, message: string): void => this.hearers.get(from)?.(message);
      this.subscriber.on('message', heard as (...args: unknown[]) => void);
    }
    await this.subscriber.subscribe(channel);
  }

  async unsubscribe(channel: string): Promise<void> {
    this.hearers.delete(channel);
    await this.subscriber?.unsubscribe(channel);
  }

  protected drop(library: IoredisLike): void {
    library.disconnect();
  }
}
