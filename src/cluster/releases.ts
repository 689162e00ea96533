/**
 * Releases: those of the last seconds, to be made again after a crash of the server, which may have
 * forgotten them.
 */

import { now as clock } from '#clock';
import type { Made } from './document.ts';
import type { CallId } from './machines/machine.ts';

/** How long a release is kept, besides a lease; how many are, at the most. */
const KEPT_MS = 10_000;
const MOST = 4096;

export interface Release extends Made {
  readonly key: string;
  readonly id: CallId;
  readonly session: string;
  readonly at: number;
}

export class Releases {
  private readonly keptMs: number;
  /** In their order; those before `first` are forgotten. */
  private made: Release[] = [];
  private first = 0;

  /** A crash may be noticed only at the next renewal of the lease. */
  constructor(leaseMs: number) {
    this.keptMs = KEPT_MS + leaseMs;
  }

  remember(release: Release): void {
    const { made } = this;
    made.push(release);
    while (made.length - this.first > MOST || made[this.first]!.at < release.at - this.keptMs) this.first++;
    if (this.first < MOST) return;
    this.made = made.slice(this.first);
    this.first = 0;
  }

  /** Forgets all, and returns those that may have to be made again. */
  takeAll(): readonly Release[] {
    const oldest = clock() - this.keptMs;
    const all = this.made.slice(this.first).filter(({ at }) => at >= oldest);
    this.made = [];
    this.first = 0;
    return all;
  }
}
