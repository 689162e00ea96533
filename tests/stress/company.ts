/**
 * A company of processes that work at something together, and of which some are killed and replaced
 * while they do.
 */

import assert from 'node:assert/strict';
import type { Process } from 'lockstep';
import { until } from '../support/until.ts';

export class Company {
  readonly #start: (seat: number) => Process;
  readonly #members: Process[] = [];

  /** Starts a member for each seat. */
  constructor(seats: number, start: (seat: number) => Process) {
    this.#start = start;
    for (let seat = 0; seat < seats; seat++) this.seat(seat);
  }

  /** Starts a (new) member for the seat. */
  seat(seat: number): void {
    const member = this.#start(seat);
    member.start();
    this.#members[seat] = member;
  }

  /**
   * Kills the member of the seat, wherever it stands; resolves when it is dead. `false`: it had
   * ended before.
   */
  async kill(seat: number): Promise<boolean> {
    const member = this.#members[seat] as Process;
    member.kill();
    await member.join();
    return member.exitCode === -9;
  }

  /** Resolves when the members of the first seats have ended well. */
  async leave(seats: number): Promise<void> {
    try {
      await Promise.all(this.#members.slice(0, seats).map((member) => member.result));
    } catch (error) {
      await this.#disband();
      throw error;
    }
  }

  /** Resolves when all members have ended well; kills them all when one has not. */
  async done(): Promise<unknown[]> {
    try {
      return await Promise.all(this.#members.map((member) => member.result));
    } finally {
      await this.#disband();
    }
  }

  /**
   * Kills `kills` members at random, one after the other, each as soon as it is `ready` and a
   * little later. `killed` is called after each, to make good what only the survivors can, before
   * the seat is taken again.
   */
  async mayhem(
    kills: number,
    ready: (seat: number, kill: number) => boolean,
    killed?: (seat: number) => Promise<void>,
  ): Promise<void> {
    try {
      for (let kill = 0; kill < kills; kill++) {
        const seat = Math.floor(Math.random() * this.#members.length);
        await until(() => ready(seat, kill), `member ${seat} to be at it`);
        const jitter = performance.now() + Math.random() * 3;
        while (performance.now() < jitter);
        assert.ok(await this.kill(seat), 'a member ended before its work was done');
        await killed?.(seat);
        this.seat(seat);
      }
    } catch (error) {
      await this.#disband();
      throw error;
    }
  }

  async #disband(): Promise<void> {
    for (const member of this.#members) if (member.isAlive()) member.kill();
    await Promise.all(this.#members.map((member) => member.join()));
  }
}
