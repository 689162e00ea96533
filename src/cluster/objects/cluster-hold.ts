/** ClusterHold: a hold under a lease, or a permit of a plain semaphore, which has no owner. */

import type { AsyncHold } from '../../contracts.ts';
import type { LeaseLostError } from '../../errors.ts';
import { showAsText } from '../../readable.ts';
import type { CallId } from '../machines/machine.ts';
import type { Validity } from './early.ts';
import type { Stay } from './stay.ts';

/** The state of a hold at the server. Nested holds of an RLock share one. */
export interface Standing {
  call: CallId;
  token: number;
  recovered: boolean;
  readonly lease: Validity;
  /** If it came by an offer while others waited: how long the lock has been here. */
  readonly stay?: Stay | undefined;
}

export class ClusterHold implements AsyncHold {
  /** @internal */
  readonly standing: Standing;
  private readonly leased: boolean;
  private readonly giveBack: (hold: ClusterHold) => Promise<void>;
  private releasing: Promise<void> | undefined;
  private released = false;
  private controller: AbortController | undefined;
  private unwatch: (() => void) | undefined;

  /** `leased`: the hold is lost with its lease. */
  constructor(standing: Standing, leased: boolean, giveBack: (hold: ClusterHold) => Promise<void>) {
    this.standing = standing;
    this.leased = leased;
    this.giveBack = giveBack;
  }

  /** One line on its state, as far as this process knows. */
  toString(): string {
    const how = this.releasing !== undefined ? 'released' : this.valid ? 'valid' : 'lost';
    return `<Hold ${how}, token ${this.token}>`;
  }

  /** @internal */
  get call(): CallId {
    return this.standing.call;
  }

  /** @internal Why it is lost, if it is. */
  get loss(): LeaseLostError | undefined {
    return this.leased ? this.standing.lease.lost : undefined;
  }

  /** The version of the write that let it in: larger than that of every earlier holder. */
  get token(): number {
    return this.standing.token;
  }

  get recovered(): boolean {
    return this.standing.recovered;
  }

  /**
   * Whether it is neither released nor lost, as far as this process's clock can tell. It may be
   * false for a moment after a hand-off if the server answers late, and then true again.
   */
  get valid(): boolean {
    return this.releasing === undefined && (!this.leased || this.standing.lease.valid);
  }

  /** Aborts, with a `LeaseLostError`, when the lease is lost. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      const controller = new AbortController();
      this.controller = controller;
      this.watch(controller);
    }
    return this.controller.signal;
  }

  /**
   * Gives it back. Rejects with `LeaseLostError` if it was lost; the work done inside may be void.
   */
  release(): Promise<void> {
    this.releasing ??= this.end();
    return this.releasing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  private async end(): Promise<void> {
    await this.giveBack(this);
    this.released = true;
    this.unwatch?.();
  }

  private watch(controller: AbortController): void {
    const { lease } = this.standing;
    // A released hold can't be lost.
    if (!this.leased || this.released) return;
    if (lease.lost !== undefined) controller.abort(lease.lost);
    else this.unwatch = lease.onLoss((reason) => controller.abort(reason));
  }
}

showAsText(ClusterHold);
