/**
 * Lanes: for each object its calls of this process, and the last document that was seen. Documents
 * come with replies and with rings.
 */

import { now as clock } from '#clock';
import type { CallId } from './machines/machine.ts';
import type { Lane } from './pending.ts';
import type { Snapshot } from './store.ts';

export const ABSENT: Snapshot = { version: 0, body: null, dead: [], now: 0 };
/** Objects whose last document is kept while nothing is going on. */
const MOST_KEPT = 4096;
/** The end of a lock's document: no holder has died inside, nobody waits for a notification. */
const UNHURT = '"waits":{},"hurt":0},"made":[]}}';

/** The offer of a lock. */
export interface Offered {
  /** When it ends, by the server's clock. */
  readonly until: number;
  /** The version of the write that made it. */
  readonly version: number;
  /** Whether more calls wait. */
  readonly crowded: boolean;
}

export class Lanes {
  private readonly lanes = new Map<string, Lane>();

  get(key: string): Lane | undefined {
    return this.lanes.get(key);
  }

  /** The lane of the object, made if there is none. */
  at(key: string): Lane {
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      lane = { pending: [], busy: false, last: ABSENT, writtenAt: 0, usesMachine: false, giveUp: undefined };
      this.keep(key, lane);
    }
    return lane;
  }

  /** The object's body as this process wrote it within the last `milliseconds`, or `null`. */
  justWritten(key: string, milliseconds: number): string | null {
    const lane = this.lanes.get(key);
    if (lane === undefined || clock() - lane.writtenAt > milliseconds) return null;
    return lane.last.body;
  }

  /** The offer of a lock to the call in the document that came with the last ring. */
  offerTo(key: string, id: CallId): Offered | undefined {
    const { body, version } = this.lanes.get(key)?.last ?? ABSENT;
    const offer = `"of":1,"free":0,"holders":[],"offers":[["${id}",1,`;
    const at = body?.indexOf(offer) ?? -1;
    if (at < 0 || !body!.endsWith(UNHURT)) return undefined;
    const until = Number.parseInt(body!.slice(at + offer.length), 10);
    return { until, version, crowded: !body!.includes('"queue":[],', at) };
  }

  /** A document that came with a ring, and is newer than the known one. */
  learn(key: string, fresh: Snapshot): void {
    const lane = this.lanes.get(key);
    if (lane !== undefined && !lane.busy && fresh.version > lane.last.version) lane.last = fresh;
  }

  /**
   * Forgets the documents, after a crash of the server: a version that the crash has undone may
   * come again, if the server's clock has been set back.
   */
  forget(): void {
    for (const lane of this.lanes.values()) if (!lane.busy) lane.last = ABSENT;
  }

  private keep(key: string, lane: Lane): void {
    if (this.lanes.size >= MOST_KEPT) {
      for (const [other, { busy, giveUp }] of this.lanes) {
        if (busy || giveUp !== undefined) continue;
        this.lanes.delete(other);
        break;
      }
    }
    this.lanes.set(key, lane);
  }
}
