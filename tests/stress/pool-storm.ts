/** Storm: what pools have to bear. Their workers are killed, or stopped for a moment, at work. */

import { activeChildren, type Process, type Thread } from 'lockstep';
import type { Random } from '../soak/random.ts';

type Worker = Pick<Process, 'kill' | 'pid'> | Pick<Thread, 'kill'>;

/** How a storm goes. */
export interface Weather {
  /** Milliseconds between two blows, at least. */
  readonly every: number;
  /**
   * What has to be done between two blows: so workers come to work where a start takes longer than
   * the time between blows, on a machine with more programs than processors.
   */
  readonly between: number;
  /** Blows, at most. */
  readonly most?: number;
  /** Of a hundred blows so many stop a worker for a moment; the others kill one. */
  readonly stops?: number;
}

/** Milliseconds between two looks whether it is time for a blow. */
const LOOK_EVERY = 20;
/** Milliseconds for which a worker is stopped, at most. */
const LONGEST_STOP = 60;

/** Strikes now and then, while `done()` grows, until it is calmed. */
export class Storm {
  killed = 0;
  stopped = 0;
  private readonly done: () => number;
  private readonly workers: () => readonly Worker[];
  private readonly random: Random;
  private readonly weather: Weather;
  private doneBefore = 0;
  private struck = performance.now();
  private readonly timer: NodeJS.Timeout;
  /** The workers that are stopped, by their pids. */
  private readonly frozen = new Map<number, NodeJS.Timeout>();

  /** @param workers those that it may kill, and stop if they are processes */
  constructor(
    done: () => number,
    random: Random,
    weather: Weather,
    workers: () => readonly Worker[] = activeChildren,
  ) {
    this.done = done;
    this.workers = workers;
    this.random = random;
    this.weather = weather;
    this.timer = setInterval(() => this.look(), LOOK_EVERY);
  }

  /** Strikes if it is time. Called by its timer, and by those who can't wait for that. */
  look(): void {
    const { every, between, most = Number.POSITIVE_INFINITY, stops = 0 } = this.weather;
    if (this.killed + this.stopped >= most || this.done() - this.doneBefore < between) return;
    const workers = this.workers();
    if (performance.now() - this.struck < every || workers.length === 0) return;
    this.doneBefore = this.done();
    this.struck = performance.now();
    const worker = this.random.pick(workers);
    if ('pid' in worker && this.random.percent(stops))
      this.freeze(worker.pid!, this.random.below(LONGEST_STOP));
    else {
      worker.kill();
      this.killed++;
    }
  }

  /** Strikes no more; all that was stopped goes on. */
  calm(): void {
    clearInterval(this.timer);
    for (const pid of this.frozen.keys()) this.thaw(pid);
  }

  private freeze(pid: number, milliseconds: number): void {
    if (this.frozen.has(pid)) return;
    process.kill(pid, 'SIGSTOP');
    this.stopped++;
    this.frozen.set(
      pid,
      setTimeout(() => this.thaw(pid), milliseconds),
    );
  }

  private thaw(pid: number): void {
    clearTimeout(this.frozen.get(pid));
    this.frozen.delete(pid);
    // It may have been killed since. Its number is not used again while the pool has not seen that.
    if (activeChildren().some((worker) => worker.pid === pid)) process.kill(pid, 'SIGCONT');
  }
}
