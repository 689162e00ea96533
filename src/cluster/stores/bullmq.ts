/**
 * BullMQ, as far as the cluster's pool uses it: a queue of jobs at the server, in Redis or in
 * PostgreSQL, and connections for it.
 */

import { StoreError } from '../../errors.ts';
import type { PgPoolLike } from './postgres-connections.ts';
import { optionsOf } from './postgres-connections.ts';

const SCHEMA = 'lockstep_jobs';
const CONNECTIONS = 3;

/** A job, as its caller or its worker sees it. */
export interface Job {
  readonly id?: string | undefined;
  readonly data: unknown;
  readonly returnvalue: unknown;
  readonly failedReason: string;
  readonly attemptsStarted: number;
  getState(): Promise<string>;
  remove(): Promise<unknown>;
}

interface Speaks {
  on(event: string, listener: (...args: never[]) => void): unknown;
  close(): Promise<void>;
}

/** The jobs of a pool. */
export interface JobQueue extends Speaks {
  addBulk(jobs: readonly { name: string; data: object; opts: object }[]): Promise<unknown>;
  getJob(id: string): Promise<Job | undefined>;
  /** Ids of jobs in these states; the last to end come first. */
  getRanges(states: readonly string[], from: number, to: number): Promise<string[]>;
  getJobCounts(...states: string[]): Promise<Record<string, number>>;
  getWorkersCount(): Promise<number>;
}

/** Reports jobs that have ended. */
export interface JobEvents extends Speaks {
  waitUntilReady(): Promise<unknown>;
}

export interface JobWorker extends Speaks {
  waitUntilReady(): Promise<unknown>;
}

interface BullMQ {
  readonly Queue: new (name: string, options: object, backend?: unknown) => JobQueue;
  readonly QueueEvents: new (name: string, options: object, backend?: unknown) => JobEvents;
  readonly Worker: new (
    name: string,
    processor: (job: Job) => Promise<unknown>,
    options: object,
    backend?: unknown,
  ) => JobWorker;
  readonly createPostgresBackend: unknown;
}

/** A client of the program's own, which can be duplicated. */
interface Duplicable {
  readonly options?: object;
  duplicate(): Copy;
}

interface Copy {
  on(event: string, listener: (reason: Error) => void): unknown;
  readonly isOpen: boolean;
  destroy(): void;
}

/** The server of the jobs, as passed to `connect`. */
export type JobServer = { readonly redis: unknown } | { readonly postgres: string | PgPoolLike };

/** Makes the parts that a pool needs, each with connections of its own. */
export interface Jobs {
  /** Whether events may be skipped whose transactions end in another order than they began. */
  readonly skipsEvents: boolean;
  queue(): JobQueue;
  events(): JobEvents;
  worker(processor: (job: Job) => Promise<unknown>, options: object): JobWorker;
  /** Closes the connections that BullMQ has not made itself. Call it last. */
  end(): void;
}

/** Loads BullMQ. Throws `StoreError` where it is missing. */
export async function jobsAt(server: JobServer, namespace: string, name: string): Promise<Jobs> {
  const bullmq = await findBullMQ();
  // A colon separates the parts of a key.
  const title = encodeURIComponent(`${namespace}/${name}`);
  const inPostgres = 'postgres' in server;
  const backend = inPostgres ? bullmq.createPostgresBackend : undefined;
  const copies: Copy[] = [];
  const options = (): object => ({
    connection: inPostgres ? poolOptions(server.postgres) : connectionTo(server.redis, copies),
    ...(inPostgres ? {} : { prefix: `{${namespace}}:p` }),
  });
  return {
    skipsEvents: inPostgres,
    queue: () => new bullmq.Queue(title, options(), backend),
    events: () => new bullmq.QueueEvents(title, options(), backend),
    worker: (processor, more) => new bullmq.Worker(title, processor, { ...options(), ...more }, backend),
    end: () => {
      for (const copy of copies) if (copy.isOpen) copy.destroy();
    },
  };
}

/** BullMQ makes its tables, in a schema of their own, and a pool of connections. */
function poolOptions(postgres: string | PgPoolLike): object {
  const given = typeof postgres === 'string' ? { connectionString: postgres } : optionsOf(postgres);
  return { ...given, max: CONNECTIONS, schema: SCHEMA, migrate: true };
}

/** For a URL, BullMQ connects with ioredis; a client of the program's is duplicated. */
function connectionTo(redis: unknown, copies: Copy[]): object {
  if (typeof redis === 'string') return { url: redis, maxRetriesPerRequest: null };
  const client = redis as Duplicable;
  // A client of ioredis. Without the first option a worker would give up waiting. BullMQ puts
  // prefixes before the keys by itself, and can't do with those of the client.
  const own = { maxRetriesPerRequest: null, lazyConnect: false, keyPrefix: '' };
  if ('status' in client) return { ...client.options, ...own };
  const copy = client.duplicate();
  copy.on('error', () => {});
  copies.push(copy);
  return copy;
}

async function findBullMQ(): Promise<BullMQ> {
  try {
    return (await import('bullmq' as string)) as BullMQ;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new StoreError('pool: BullMQ is not installed, which carries its tasks; run `npm install bullmq`', {
      cause: error,
    });
  }
}
