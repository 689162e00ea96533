/**
 * Server: a pool under the load of a server of the web. Its clients leave, its requests run out of
 * time, fail, come with keys and priorities, and leave memory behind until their worker is
 * recycled; its workers are killed. Each request has exactly one outcome, and its memory is freed.
 */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Pool, RawArray, type Task, TaskTimeoutError, WorkerDiedError } from 'lockstep';
import type { Random } from './random.ts';
import * as requests from './requests.ts';

const WORKERS = 2;
/** Requests at a time. */
const MOST = 64;
const KEYS = 6;
const MOST_RETRIES = 2;
/** Milliseconds. */
const GRACE = 30;
const LATEST_CANCEL = 6;
const KILL_EVERY = 3000;
/** A worker of some 60 MB is recycled after a dozen greedy requests. Bytes. */
const MOST_MEMORY = 110 * 1024 * 1024;
/** Rests after which all is loaded that the server needs, and its memory should not grow. */
const FIRST_RESTS = 10;
/** What V8 and malloc may take or keep, whatever is freed. Bytes. */
const SLACK = 96 * 1024 * 1024;
const MIB = 1024 * 1024;

const GONE = new Error('the client has gone');

type Fate = 'done' | 'refused' | 'gone' | 'late' | 'lost';

export class Server {
  readonly fates: Record<Fate, number> = { done: 0, refused: 0, gone: 0, late: 0, lost: 0 };
  kills = 0;
  taken = 0;
  private readonly pool: Pool;
  private readonly runs: RawArray<'i32'>;
  private readonly free: number[] = Array.from({ length: MOST }, (_, slot) => slot);
  private readonly going = new Set<Promise<void>>();
  private readonly violated: (text: string) => void;
  private struck = performance.now();
  private rests = 0;
  /** After the first rests: bytes of this process, and of the shared files. */
  private before: { rss: number; shared: number } | undefined;
  private now = { rss: 0, shared: 0 };

  constructor(violated: (text: string) => void) {
    this.violated = violated;
    this.pool = new Pool({
      name: 'soak',
      processes: WORKERS,
      grace: GRACE,
      maxMemoryPerChild: MOST_MEMORY,
      maxTasksPerChild: 5000,
    });
    this.runs = new RawArray('i32', MOST);
  }

  get hasRoom(): boolean {
    return this.free.length > 0;
  }

  /** Begins one request. */
  take(random: Random): void {
    const slot = this.free.pop()!;
    this.taken++;
    const going = this.serve(slot, random)
      .catch((error: unknown) => this.violated(`Pool: an unexpected error: ${(error as Error).stack}`))
      .finally(() => {
        this.free.push(slot);
        this.going.delete(going);
      });
    this.going.add(going);
  }

  /** Kills a worker now and then. */
  strike(random: Random): void {
    if (performance.now() - this.struck < KILL_EVERY) return;
    this.struck = performance.now();
    const { workers } = this.pool.stats;
    if (workers.length === 0) return;
    process.kill(random.pick(workers).id, 'SIGKILL');
    this.kills++;
  }

  /** Waits for all requests, and checks that nothing is left of them. */
  async rest(): Promise<void> {
    await Promise.all(this.going);
    const { stats } = this.pool;
    const { queued, handedOut } = stats;
    if (queued !== 0 || handedOut !== 0)
      this.violated(
        `Pool: ${queued} tasks wait and ${handedOut} are handed out, and all requests have ended`,
      );
    const outcomes = Object.values(this.fates).reduce((sum, count) => sum + count, 0);
    if (outcomes !== this.taken)
      this.violated(`Pool: ${this.taken} requests were taken, and ${outcomes} have an outcome`);
    this.now = { rss: process.memoryUsage.rss(), shared: bytesOf(process.env.LOCKSTEP_DIR!) };
    if (++this.rests === FIRST_RESTS) this.before = this.now;
    for (const what of ['rss', 'shared'] as const) {
      const more = this.now[what] - (this.before?.[what] ?? this.now[what]);
      if (more > SLACK) this.violated(`Pool: ${what} has grown by ${Math.round(more / MIB)} MiB`);
    }
  }

  async close(): Promise<void> {
    await this.pool.close();
    this.runs.close();
  }

  /** For the outcome of the run. */
  get rows(): [string, string][] {
    const { recycled, restarts, starts } = this.pool.stats;
    const mib = (what: 'rss' | 'shared'): string =>
      `${Math.round((this.before?.[what] ?? 0) / MIB)} to ${Math.round(this.now[what] / MIB)}`;
    return [
      ['Pool: outcomes', JSON.stringify(this.fates).replaceAll('"', '')],
      ['Pool: kills, restarts, recycled', `${this.kills}, ${restarts}, ${recycled}`],
      ['Pool: warm and cold starts', `${starts.warm}, ${starts.cold}`],
      ['Pool: RSS of its program, MiB', mib('rss')],
      ['Pool: shared files, MiB', mib('shared')],
    ];
  }

  private async serve(slot: number, random: Random): Promise<void> {
    const { pool, runs } = this;
    runs.set(slot, 0);
    const odds = random.below(100);
    if (odds < 3) {
      await this.serveMany(random);
      this.fates.done++;
      return;
    }
    const retries = random.below(MOST_RETRIES + 1);
    const key = random.percent(20) ? random.below(KEYS) : undefined;
    const options = { retries, key, priority: random.below(3) - 1 };
    const client = new AbortController();
    const leaves = { ...options, signal: client.signal };
    // A client that leaves may do so before its request began.
    const leave = (): void => void setTimeout(() => client.abort(GONE), random.below(LATEST_CANCEL));
    let task: Task<unknown>;
    let expected: readonly Fate[] = ['done'];
    if (odds < 50) task = pool.submit(requests.quick, [runs, slot, 'text'], options);
    else if (odds < 70) task = pool.submit(requests.compute, [runs, slot, random.below(2000)], options);
    else if (odds < 76) task = pool.submit(requests.leak, [runs, slot], options);
    else if (odds < 82) {
      expected = ['refused'];
      task = pool.submit(requests.refuse, [runs, slot], options);
    } else if (odds < 88) {
      expected = ['late'];
      task = pool.submit(requests.linger, [runs, slot], { ...options, timeout: 1 + random.below(5) });
    } else if (odds < 89) {
      expected = ['gone'];
      task = pool.submit(requests.spin, [runs, slot], leaves);
      leave();
    } else {
      expected = ['done', 'gone'];
      task = pool.submit(requests.compute, [runs, slot, random.below(2000)], leaves);
      leave();
    }
    const fate = await task.then((): Fate => 'done', fateOf);
    this.fates[fate]++;
    // Until then a task that was given up may still begin.
    await task.ended;
    const ran = runs.at(slot);
    if (fate !== 'lost' && !expected.includes(fate))
      this.violated(`Pool: a request should end as ${expected.join()}, and is ${fate}`);
    if (ran > retries + 1) this.violated(`Pool: a request ran ${ran} times with ${retries} retries`);
    if (fate === 'done' && ran === 0) this.violated('Pool: a request has an answer, and never ran');
  }

  /** A request that runs a function for many items, and reads some or all of the results. */
  private async serveMany(random: Random): Promise<void> {
    const count = 1 + random.below(200);
    const items = Array.from({ length: count }, (_, n) => n);
    if (random.percent(50)) {
      const all = await this.pool.map(requests.double, items, { retries: 100 });
      if (!all.every((value, n) => value === 2 * n)) this.violated('Pool: a map has a wrong result');
    } else {
      let n = 0;
      for await (const value of this.pool.imap(requests.double, items, { retries: 100, ahead: 10 })) {
        if (value !== 2 * n++) this.violated('Pool: an imap has a wrong result');
        if (n === 20) break;
      }
    }
  }
}

function fateOf(error: unknown): Fate {
  if (error === GONE) return 'gone';
  if (error instanceof TaskTimeoutError) return 'late';
  if (error instanceof WorkerDiedError) return 'lost';
  if (error instanceof RangeError) return 'refused';
  throw error;
}

/** Bytes of memory that the files in the folder take. */
function bytesOf(folder: string): number {
  let bytes = 0;
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    // A file may go meanwhile.
    bytes += (statSync(join(folder, file), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
  }
  return bytes;
}
