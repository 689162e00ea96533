/**
 * Releases: the releases of the last seconds. They are made again after a crash of the server,
 * which may have forgotten them.
 *
 * A release is noted as numbers and references to objects that live on anyway. Objects kept for
 * seconds would cost the garbage collector more than the release itself.
 */

import { now as clock } from '#clock';
import type { Made } from './document.ts';
import type { CallId } from './machines/machine.ts';

/** How long a release is kept, in addition to a lease, and the maximum number of releases. */
const KEPT_MS = 10_000;
const MOST = 4096;

export interface Release {
  readonly key: string;
  readonly machine: Made['machine'];
  readonly session: string;
  /** The call that was released. */
  readonly id: CallId;
}

export class Releases {
  private readonly keptMs: number;
  /** Ring buffers of the last releases; `count` is the number of all releases ever noted. */
  private readonly keys: string[] = [];
  private readonly machines: Made['machine'][] = [];
  private readonly sessions: string[] = [];
  private readonly numbers: Float64Array = new Float64Array(MOST);
  private readonly times: Float64Array = new Float64Array(MOST);
  private count = 0;

  /** A crash may be noticed only at the next renewal of the lease. */
  constructor(leaseMs: number) {
    this.keptMs = KEPT_MS + leaseMs;
  }

  note(key: string, machine: Made['machine'], session: string, number: number): void {
    const place = this.count++ % MOST;
    this.keys[place] = key;
    this.machines[place] = machine;
    this.sessions[place] = session;
    this.numbers[place] = number;
    this.times[place] = clock();
  }

  /**
   * The recent releases in their order. They stay noted: another crash may follow before the first
   * is noticed.
   */
  recent(): readonly Release[] {
    const oldest = clock() - this.keptMs;
    const all: Release[] = [];
    for (let i = Math.max(0, this.count - MOST); i < this.count; i++) {
      const place = i % MOST;
      if (this.times[place]! < oldest) continue;
      const session = this.sessions[place]!;
      const id = `${session}/${this.numbers[place]}`;
      all.push({ key: this.keys[place]!, machine: this.machines[place]!, session, id });
    }
    return all;
  }
}
