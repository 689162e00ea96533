/**
 * Early: a hold that begins when the offer arrives, while its claim is on the way.
 *
 * The offer comes with the releasing process's write, and stands for a claim time of the server's
 * clock. This process knows a bound on that clock: the server's time in its last reply, and the
 * time that has passed here since the request for it was sent. While the bound is before the end of
 * the offer, nobody else can have been let in. So the guarded work begins half a round trip after
 * the release, instead of one and a half. The hold's token is the version of the offer.
 *
 * The claim is sent at the same time. Until it is answered, the hold is valid as long as the offer
 * certainly stands. Then it lasts as long as the lease. It is lost if the server has given the
 * place to another before the claim arrived. That takes a server that stalls just then.
 *
 *   the server is late            not valid from the end of the offer, valid again with the answer
 *   the claim came too late       lost, as with a lost lease
 *   the process stands still      its clocks show at the next look that the offer may be over
 */

import { now, timeOfDay } from '#clock';
import { LeaseLostError } from '../../errors.ts';
import type { Lease } from '../session.ts';

/** The part of a lease that a hold depends on. */
export type Validity = Pick<Lease, 'valid' | 'lost' | 'onLoss'>;

/** Fraction of the claim time to leave for clocks of different speed and for late timers. */
const MARGIN = 0.2;

/** A moment by both clocks: that of `now` stands still while the machine sleeps. */
export class Moment {
  private readonly at = now();
  private readonly day = timeOfDay();

  /** Milliseconds since then. */
  get age(): number {
    return Math.max(now() - this.at, timeOfDay() - this.day);
  }
}

/**
 * Milliseconds for which an offer certainly stands. `asked`: when the request was sent to which the
 * server replied at `replied`, by its clock.
 */
export function remainderOf(until: number, replied: number, asked: Moment, claim: number): number {
  return until - replied - 1 - asked.age - claim * MARGIN;
}

export class Early implements Validity {
  private readonly lease: Lease;
  private readonly begun: Moment = new Moment();
  private readonly stands: number;
  private readonly losses = new Set<(reason: LeaseLostError) => void>();
  private confirmed = false;
  private lossReason: LeaseLostError | undefined;

  /** `stands`: milliseconds for which the offer certainly stands. */
  constructor(lease: Lease, stands: number) {
    this.lease = lease;
    this.stands = stands;
  }

  get valid(): boolean {
    if (this.lossReason !== undefined || !this.lease.valid) return false;
    return this.confirmed || this.begun.age < this.stands;
  }

  get lost(): LeaseLostError | undefined {
    return this.lossReason ?? this.lease.lost;
  }

  onLoss(act: (reason: LeaseLostError) => void): () => void {
    const unlisten = this.lease.onLoss(act);
    this.losses.add(act);
    return () => {
      unlisten();
      this.losses.delete(act);
    };
  }

  /** The server has confirmed the claim. */
  confirm(): void {
    this.confirmed = true;
  }

  /** The claim was not granted: another process may have been let in. */
  end(why: string, cause?: unknown): void {
    if (this.lossReason !== undefined) return;
    const reason = new LeaseLostError(
      `cluster: the hold is lost, ${why}; others may hold the lock now, stop using what it guards`,
      cause === undefined ? undefined : { cause },
    );
    this.lossReason = reason;
    for (const act of [...this.losses]) act(reason);
    this.losses.clear();
  }
}
