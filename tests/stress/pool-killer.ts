/**
 * Killer: a thread that kills the workers of a pool at moments of its own, whatever the pool's
 * thread does at that time.
 */

import { Event, RawArray, Thread, Value } from 'lockstep';
import { Random } from '../soak/random.ts';

const MOST_WORKERS = 8;
/** Milliseconds between two looks at the pool's workers. */
const LOOK_EVERY = 10;

interface Watched {
  readonly stats: { readonly workers: readonly { readonly id: number }[] };
  on(event: 'workerDied', listener: () => void): unknown;
}

export class Killer {
  private readonly pids = new RawArray('i32', MOST_WORKERS);
  private readonly stop = new Event();
  private readonly count = new Value('i32', 0);
  private readonly thread: Thread<void>;
  private readonly timer: NodeJS.Timeout;

  constructor(pool: Watched, every: number, seed: number) {
    const note = (): void => {
      const { workers } = pool.stats;
      for (let n = 0; n < MOST_WORKERS; n++) this.pids.set(n, workers[n]?.id ?? 0);
    };
    note();
    // A process that has died keeps its number until the pool has heard of it.
    pool.on('workerDied', note);
    this.timer = setInterval(note, LOOK_EVERY);
    this.thread = new Thread({ target: strike, args: [this.pids, this.stop, this.count, every, seed] });
    this.thread.start();
  }

  get killed(): number {
    return this.count.value;
  }

  async calm(): Promise<void> {
    clearInterval(this.timer);
    this.stop.set();
    await this.thread.result;
  }
}

/** Target of the thread. */
export function strike(
  pids: RawArray<'i32'>,
  stop: Event,
  count: Value<'i32'>,
  every: number,
  seed: number,
): void {
  const random = new Random(seed);
  while (!stop.waitSync({ timeout: every })) {
    const present = Array.from(pids).filter((pid) => pid > 0);
    if (present.length === 0) continue;
    const pid = random.pick(present);
    try {
      process.kill(pid, 'SIGKILL');
      count.add(1);
    } catch (error) {
      // It has ended, and its replacement is not noted yet.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
