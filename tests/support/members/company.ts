/**
 * Company: children that work at something together without orders, until a word in shared memory
 * says that it is enough. Meanwhile some are killed and replaced. Each has a seat, and finds in
 * shared memory what the one before it in that seat has left. One that ends by itself before its
 * work is done has failed.
 */

import assert from 'node:assert/strict';
import type { Process, Thread } from 'lockstep';
import { until } from '../until.ts';

/** A process or a thread, whatever it returns. */
export type Child = Process<unknown> | Thread<unknown>;

export class Company<Seated extends Child = Process> {
  readonly #make: (seat: number) => Seated;
  readonly #endedEarly: (seat: number, exitCode: number | null) => void;
  readonly #members: Seated[] = [];
  /** Those whose end is no surprise. */
  readonly #dismissed = new WeakSet<Seated>();

  /**
   * Starts a member for each seat. `make` makes the child for a seat. `endedEarly` is called when
   * one ends whose end nobody has yet asked for; `results` rejects with the error of one that has
   * failed.
   */
  constructor(
    seats: number,
    make: (seat: number) => Seated,
    endedEarly: (seat: number, exitCode: number | null) => void = () => {},
  ) {
    this.#make = make;
    this.#endedEarly = endedEarly;
    for (let seat = 0; seat < seats; seat++) this.seat(seat);
  }

  /** The members by their seats. */
  get members(): readonly Seated[] {
    return this.#members;
  }

  /** Starts a (new) member for the seat. */
  seat(seat: number): void {
    const member = this.#make(seat);
    member.start();
    this.#members[seat] = member;
    void member.join().then(() => {
      if (!this.#dismissed.has(member)) this.#endedEarly(seat, member.exitCode);
    });
  }

  /**
   * Kills the member of the seat, wherever it stands. `killed` is called when it is dead, to make
   * good what only the survivors can. Then the seat is taken again. Resolves to the exit code of
   * the dead one.
   */
  async replace(seat: number, killed?: (seat: number) => unknown): Promise<number | null> {
    const member = this.#members[seat]!;
    this.#dismissed.add(member);
    member.kill();
    await member.join();
    await killed?.(seat);
    this.seat(seat);
    return member.exitCode;
  }

  /**
   * Resolves to what the members of the first seats, or of all, have returned, when they have ended
   * well. Ends all when one has not.
   */
  async results(seats = this.#members.length): Promise<unknown[]> {
    const asked = this.#dismiss(seats);
    try {
      const results = await Promise.all(asked.map((member) => member.result));
      await Promise.all(asked.map((member) => member.join()));
      return results;
    } catch (error) {
      await this.disband();
      throw error;
    }
  }

  /**
   * Kills and replaces `kills` members at random, one after the other, each as soon as it is
   * `ready` and a little later.
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
        const exitCode = await this.replace(seat, killed);
        assert.equal(exitCode, -9, 'a member ended before its work was done');
      }
    } catch (error) {
      await this.disband();
      throw error;
    }
  }

  /** Resolves to the exit codes of all, when they have ended. */
  async exitCodes(): Promise<(number | null)[]> {
    const asked = this.#dismiss();
    await Promise.all(asked.map((member) => member.join()));
    return asked.map((member) => member.exitCode);
  }

  /** Ends all that live. */
  async disband(): Promise<void> {
    for (const member of this.#dismiss()) if (member.isAlive()) member.kill();
    await this.exitCodes();
  }

  /** Those of the first seats may end. */
  #dismiss(seats = this.#members.length): Seated[] {
    const dismissed = this.#members.slice(0, seats);
    for (const member of dismissed) this.#dismissed.add(member);
    return dismissed;
  }
}
