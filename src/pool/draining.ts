/** Draining: takes results out of the rings of the workers, and hands out more tasks then. */

import { now } from '#park';
import type { HandOut } from './hand-out.ts';
import type { Member } from './member.ts';
import { RING_BYTES } from './messages.ts';
import type { Settling } from './settling.ts';

/** Number of results that are read before other code of this thread runs. */
export const BATCH = 64;
/** Results that are read at least of one worker before those of the next. */
const LEAST_OF_ONE = 8;
/** Results that are read between two looks at the clock. */
const MESSAGES_A_LOOK = 4;
/** No ring has more items: an item takes 16 bytes at least. */
const MOST_OF_ONE: number = RING_BYTES / 16;
/** Milliseconds of reading before the event loop gets its turn. */
export const LONGEST_TURN = 2;

/** The services that draining needs from the pool. */
export interface DrainingHost {
  readonly members: readonly (Member | undefined)[];
  /** Tasks have been handed out: the heap may have room for others. */
  moved(): void;
  broken(error: unknown): void;
}

export class Draining {
  private readonly handOut: HandOut;
  private readonly settling: Settling;
  private readonly host: DrainingHost;

  constructor(handOut: HandOut, settling: Settling, host: DrainingHost) {
    this.handOut = handOut;
    this.settling = settling;
    this.host = host;
  }

  hasResults(): boolean {
    for (const member of this.host.members) if (member?.alive && !member.channel.ring.empty) return true;
    return false;
  }

  /** Takes about `most` results of all workers; returns whether there may be more. */
  drain(most: number): boolean {
    let isMore = false;
    const readAt = now();
    const { members } = this.host;
    // A worker that puts as fast as this thread reads holds up no other.
    const share = Math.ceil(most / (members.length - 1));
    const ofOne = Math.min(Math.max(LEAST_OF_ONE, share), MOST_OF_ONE);
    try {
      // Take results, worker by worker.
      for (let index = 1; index < members.length; index++) {
        const member = members[index];
        if (member?.alive !== true) continue;
        let left = ofOne;
        while (left > 0 && this.settling.takeFrom(member, readAt)) {
          left--;
          // A single message may bring the results of thousands of items.
          if (left % MESSAGES_A_LOOK === 0 && most === BATCH && now() - readAt > LONGEST_TURN) left = 0;
        }
        isMore ||= left === 0;
      }
    } catch (error) {
      this.host.broken(error);
      return false;
    }
    // Hand out more tasks: slots have become free.
    this.handOut.resize();
    this.handOut.fill();
    this.host.moved();
    return isMore;
  }

  /** Takes all results that a worker has left. */
  drainFrom(member: Member): void {
    const readAt = now();
    while (this.settling.takeFrom(member, readAt));
  }

  /** Takes all results, and hands nothing out. */
  drainAll(): void {
    for (const member of this.host.members) if (member?.alive) this.drainFrom(member);
  }
}
