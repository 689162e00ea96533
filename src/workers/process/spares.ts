/**
 * Spares: how many spare processes a thread keeps, which of them a start takes, and when another is
 * made. spare.ts says why a spare can't leak or run twice.
 *
 * Where one part of the library wants spares of its own, as a Pool does for its replacements:
 *
 *   const keeper = new SpareKeeper();       one for each pool
 *   keeper.keep(1);                         starts what is missing, without waiting for it
 *   await keeper.ready();                   until all are parked
 *   withSpares(keeper, () => child.start()) takes one of the keeper's, else one of Process.warm's,
 *                                           else starts cold
 *   keeper.keep(0);                         ends them all
 *
 * Without a keeper that keeps any, a start costs nothing more than before. When this thread exits,
 * all keepers first end their spares, and start no more.
 *
 * A spare that was taken is replaced 200 ms later, so that it does not compete with the child that
 * has just been started. Each further one is replaced after another 200 ms. A thread that blocks in
 * joinSync() does it between two sleeps. One that was interrupted or terminated (Ctrl-C reaches the
 * whole group) is replaced at the next start only: the program probably ends. When two in a row
 * have ended before they were used, no more are made until `keep` is called again.
 */

import { clearTimeout, now, setTimeout } from '#clock';
import { TargetError, WorkerDiedError } from '../../errors.ts';
import { beforeEnd } from '../children.ts';
import { settle } from '../outcome.ts';
import { Spare } from './spare.ts';
import type { SpareEntry } from './spare-command.ts';
import type { Startup } from './startup.ts';
import { startupNow, takeoverFor } from './startup.ts';
import type { Takeover } from './takeover.ts';

/** Milliseconds from a start to the making of the next spare. */
const REFILL_AFTER = 200;
/** Spares in a row that may end unused. */
const MOST_VAIN = 2;
/** Signals that end a program from its terminal, or from its supervisor. */
const FAREWELLS: ReadonlySet<unknown> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);

/** A spare for one start, and what it has to change. */
export interface Taken {
  readonly spare: Spare;
  readonly takeover: Takeover;
}

const keepers = new Set<SpareKeeper>();
let preferred: SpareKeeper | undefined;
let isEnding = false;

export class SpareKeeper {
  private readonly title: string;
  private readonly preload: readonly string[];
  private readonly entry: SpareEntry | undefined;
  private spares: Spare[] = [];
  /** Spares that have ended before they were used. */
  private readonly lost = new WeakSet<Spare>();
  private wanted = 0;
  /** How many were used. */
  used = 0;
  /** How many have ended unused since one was used. */
  private vain = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private due = Number.POSITIVE_INFINITY;

  /**
   * @param preload URLs of modules that each spare loads before it waits
   * @param entry the library's module that their jobs will begin with
   */
  constructor(title = 'a spare process', preload: readonly string[] = [], entry?: SpareEntry) {
    this.title = title;
    this.preload = preload;
    this.entry = entry;
  }

  /** Whether its spares load these modules. */
  loads(preload: readonly string[]): boolean {
    return preload.length === this.preload.length && preload.every((url, n) => url === this.preload[n]);
  }

  /**
   * Says how many spares are kept from now on; starts and ends what that takes. Does not wait.
   */
  keep(count: number): void {
    this.wanted = count;
    this.vain = 0;
    if (count === 0) keepers.delete(this);
    else keepers.add(this);
    beforeEnd(endAll);
    // End the spares that are too many, and make those that are missing.
    for (const spare of this.spares.splice(count)) spare.giveUp();
    while (this.spares.length < count && this.add());
    this.postpone();
  }

  /**
   * Resolves when all spares that are being started are ready, to the number of those that are.
   * Where spares can't be used (see startup.ts) that is 0. Rejects when one has ended instead.
   */
  async ready(): Promise<number> {
    const starting = [...this.spares];
    // Keep the event loop running until all have started.
    for (const spare of starting) spare.keepAlive(true);
    await Promise.all(starting.map(({ settled }) => settled));
    for (const spare of starting) spare.keepAlive(false);
    const lost = starting.find((spare) => this.lost.has(spare));
    // One failed: end all, and report why.
    if (lost !== undefined) {
      this.keep(0);
      throw await explained(lost, this.title);
    }
    return this.spares.filter(({ isReady }) => isReady).length;
  }

  /** Takes a spare off the list that becomes as a process that is started now. */
  take(): Taken | undefined {
    if (this.wanted === 0) return undefined;
    const startup = startupNow(this.preload.length > 0);
    const taken = startup && this.find(startup);
    this.schedule();
    if (taken !== undefined) {
      this.vain = 0;
      this.used++;
    }
    return taken;
  }

  /** When the next spare is to be made, on the clock of `now()`. */
  get dueAt(): number {
    return this.due;
  }

  /** Makes a missing spare, and sees to the next. */
  refill(): void {
    this.postpone();
    if (this.spares.length >= this.wanted || this.vain >= MOST_VAIN) return;
    try {
      this.add();
    } catch {
      // The system refuses; the next start fails in the same way, and throws to its caller.
      this.vain = MOST_VAIN;
    }
    if (this.spares.length < this.wanted) this.schedule();
  }

  private find(startup: Startup): Taken | undefined {
    const readyFirst = [...this.spares].sort((one, other) => Number(other.isReady) - Number(one.isReady));
    for (const spare of readyFirst) {
      if (!spare.isUsable) continue;
      const takeover = takeoverFor(spare.startup, startup);
      this.spares = this.spares.filter((each) => each !== spare);
      if (takeover !== undefined) return { spare, takeover };
      // Changed settings do not change back, as a rule.
      spare.giveUp();
    }
    return undefined;
  }

  /** Starts one spare. Returns `false` where none may be used. */
  private add(): boolean {
    const startup = isEnding ? undefined : startupNow(this.preload.length > 0);
    if (startup === undefined) return false;
    const spare: Spare = new Spare(startup, this.preload, this.entry, this.title, () => this.lose(spare));
    this.spares.push(spare);
    return true;
  }

  private lose(spare: Spare): void {
    this.spares = this.spares.filter((each) => each !== spare);
    this.lost.add(spare);
    spare.giveUp();
    this.vain++;
    if (!FAREWELLS.has(spare.child.signalCode)) this.schedule();
  }

  private schedule(): void {
    if (this.timer !== undefined || isEnding || this.spares.length >= this.wanted) return;
    this.due = now() + REFILL_AFTER;
    this.timer = setTimeout(() => this.refill(), REFILL_AFTER);
    this.timer.unref();
  }

  private postpone(): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    this.timer = undefined;
    this.due = Number.POSITIVE_INFINITY;
  }
}

/** The spares that `Process.warm` keeps. */
let shared = new SpareKeeper();

/** Sets how many spares `Process.warm` keeps in this thread, and what they load. */
export function keepShared(count: number, preload: readonly string[], title: string): SpareKeeper {
  if (!shared.loads(preload)) {
    shared.keep(0);
    shared = new SpareKeeper(title, preload);
  }
  shared.keep(count);
  return shared;
}

/** Calls `start`; a process that it starts takes a spare of the keeper's, if there is one. */
export function withSpares<T>(keeper: SpareKeeper, start: () => T): T {
  const before = preferred;
  preferred = keeper;
  try {
    return start();
  } finally {
    preferred = before;
  }
}

/** A spare for a process that is started now. */
export function takeSpare(): Taken | undefined {
  return preferred?.take() ?? shared.take();
}

/**
 * A sleep as `watchExit` gives it, for a thread that blocks: makes the spares that are due between
 * two sleeps.
 */
export function refilling(sleep: (milliseconds: number) => boolean): (milliseconds: number) => boolean {
  return (milliseconds) => {
    let due = Number.POSITIVE_INFINITY;
    for (const keeper of keepers) due = Math.min(due, keeper.dueAt);
    const ended = sleep(Math.max(0, Math.min(milliseconds, due - now())));
    if (!ended) for (const keeper of keepers) if (keeper.dueAt <= now()) keeper.refill();
    return ended;
  };
}

function endAll(): void {
  isEnding = true;
  for (const keeper of [...keepers]) keeper.keep(0);
  // This thread would not be the last to leave its namespace, and its folder would stay.
  Spare.awaitEnds();
}

/** Why a spare was not ready. */
async function explained(spare: Spare, title: string): Promise<Error> {
  const { refusal, child } = spare;
  if (refusal !== undefined) {
    const cause = await new Promise<unknown>((resolve) => settle(refusal, resolve, resolve));
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new TargetError(
      `${title}: no spare is ready, a module could not be loaded ahead (${reason}); correct it, or leave it out of preload`,
      { cause },
    );
  }
  const how = child.signalCode === null ? `exit code ${child.exitCode}` : `signal ${child.signalCode}`;
  return new WorkerDiedError(
    `${title}: no spare is ready, one ended with ${how} before it was used; see what it printed on standard error, or start cold`,
  );
}
