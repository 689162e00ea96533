/**
 * Berth: where a blocked thread sleeps after its first milliseconds in the futex. It sleeps in
 * poll(2), on a FIFO by which it is roused, and on the lives of the agents for which it waits
 * (life.ts). So it wakes when one of them dies, without looking.
 *
 *   sleeper  SLEEPING = DEEPLY                                // PUBLISH sleeping -> park
 *            then looks whether PARK has moved, then polls
 *   waker    PARK + 1, then looks at SLEEPING                 // OBSERVE sleeping -> park
 *            if it is DEEPLY: a byte into `rouse-<slot>`
 *
 * One of the two sees the other. A byte that comes when the sleeper is awake already ends its next
 * sleep early. A waker killed between the two is one that had the object open: the sleeper sees its
 * death. A waker that can't open the FIFO shouts (life.ts).
 */

import { closeSync, constants, readSync } from 'node:fs';
import { load } from '#atomics';
import { AGENT_STATE, agentWord } from '../memory/layout.ts';
import { platform } from '../platform/current.ts';
import { READABLE } from '../platform/platform.ts';
import type { NamespaceFiles } from './files.ts';
import { lifeFile, listen, maySpare } from './life.ts';
import { rouseFile } from './paths.ts';

/**
 * The outcome of a sleep: the slots of agents that have ended, or have shouted; or that the time
 * has passed.
 */
export interface Sleep {
  readonly outcome: 'roused' | 'timeout';
  readonly ended: readonly number[];
  readonly shouted: boolean;
}

export interface Prepared {
  /** Whether all are watched that should be. */
  readonly complete: boolean;
  /** The agents that are watched from now on: they may have ended just before. */
  readonly fresh: readonly number[];
  /** Agents that can no longer be watched. */
  readonly ended: readonly number[];
}

export interface Berth {
  /**
   * Makes ready to sleep until one of the agents in `slots` ends, too. `undefined`: there is no
   * sleeping here.
   */
  prepare(slots: ReadonlySet<number>): Prepared | undefined;
  /**
   * *Blocks* the thread until it is roused, an agent that is watched ends or shouts, or the time
   * passes.
   */
  sleep(milliseconds: number): Sleep;
  /** Stops watching the agent, until it is asked for again. */
  forget(slot: number): void;
  close(): void;
}

const ROUSED: Sleep = { outcome: 'roused', ended: [], shouted: false };
const TIMEOUT: Sleep = { outcome: 'timeout', ended: [], shouted: false };

export class FifoBerth implements Berth {
  private readonly namespace: NamespaceFiles;
  private readonly slot: number;
  private fd: number | undefined;
  private readonly watched = new Map<number, { fd: number; state: number }>();
  private readonly bytes = new Uint8Array(64);

  constructor(namespace: NamespaceFiles, slot: number) {
    this.namespace = namespace;
    this.slot = slot;
  }

  prepare(slots: ReadonlySet<number>): Prepared | undefined {
    if (this.fd === undefined) this.fd = this.open();
    if (this.fd === undefined) return undefined;
    // Drop the agents that are no longer asked for.
    for (const slot of [...this.watched.keys()]) if (!slots.has(slot)) this.forget(slot);
    const fresh: number[] = [];
    const ended: number[] = [];
    let complete = true;
    for (const slot of slots) {
      // Open the FIFO of each new agent.
      const state = load(this.namespace.words, agentWord(slot) + AGENT_STATE);
      if (this.watched.get(slot)?.state === state) continue;
      this.forget(slot);
      const fd = tryToOpen(() => this.namespace.directory.openFifoToRead(lifeFile(slot)));
      if (fd === undefined) {
        complete = false;
        continue;
      }
      // One that has ended already is reported, not watched.
      const isEnded = listen(fd) === 'ended';
      (isEnded ? ended : fresh).push(slot);
      if (isEnded) closeSync(fd);
      else this.watched.set(slot, { fd, state });
    }
    return { complete, fresh, ended };
  }

  sleep(milliseconds: number): Sleep {
    const slots = [...this.watched.keys()];
    const fds = [this.fd!, ...slots.map((slot) => this.watched.get(slot)!.fd)];
    const found = platform.waitForAny(fds, milliseconds);
    if (found === undefined) return TIMEOUT;
    const [own = 0, ...others] = found;
    if ((own & READABLE) !== 0) this.empty(this.fd!);
    if (others.every((each) => each === 0)) return ROUSED;
    const ended: number[] = [];
    let shouted = false;
    for (const [index, each] of others.entries()) {
      const slot = slots[index]!;
      if ((each & READABLE) !== 0) {
        this.empty(fds[index + 1]!);
        shouted = true;
      }
      // Any other event means that the agent has ended.
      if ((each & ~READABLE) !== 0) ended.push(slot);
    }
    return { outcome: 'roused', ended, shouted };
  }

  forget(slot: number): void {
    const known = this.watched.get(slot);
    this.watched.delete(slot);
    if (known !== undefined) closeSync(known.fd);
  }

  close(): void {
    for (const slot of [...this.watched.keys()]) this.forget(slot);
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  private open(): number | undefined {
    return tryToOpen(() => this.namespace.directory.openOwnFifo(rouseFile(this.slot), constants.O_RDWR));
  }

  private empty(fd: number): void {
    try {
      while (readSync(fd, this.bytes, 0, this.bytes.length, null) === this.bytes.length);
    } catch (error) {
      // Another was faster, or there was no more.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

function tryToOpen(open: () => number | undefined): number | undefined {
  let fd: number | undefined;
  try {
    fd = open();
  } catch {
    // No watch is available: agents that can't be watched are polled now and then.
    return undefined;
  }
  if (fd === undefined || maySpare(fd)) return fd;
  closeSync(fd);
  return undefined;
}
