/** A scene: one victim dies at one point of one operation; the others look after what it leaves. */

import assert from 'node:assert/strict';
import { inTime, until, waiting } from '../support/until.ts';
import type { Outcome, SharedObject } from '../support/wire.ts';
import type { Crew, Member, Relation } from './crew.ts';
import { clock, closeWhole, type Farewell } from './member.ts';

/** A hang, whatever the machine: nothing that survivors do takes longer. */
export const HANG_MS = 60_000;

/** The outcome of the victim's operation. */
export interface Death extends Farewell {
  readonly pid: number;
  /** Whether it came through the operation, and was killed after. */
  readonly completed: boolean;
  /** The result of the operation, if it was completed. */
  readonly value: unknown;
  readonly error: Outcome['error'];
}

export class Scene {
  readonly victim: Member;
  /** Live through all scenes of an operation. */
  readonly first: Member;
  readonly second: Member;
  /** Has nothing open yet. The next scene's victim. */
  readonly newcomer: Member;
  /** Resolves when the victim is dead. */
  death: Promise<Death> | undefined;
  /** Whether it is. */
  over = false;
  private readonly crew: Crew;
  private readonly relation: Relation;
  private readonly dieAt: number;
  private readonly slowness: number;
  private readonly objects: SharedObject[] = [];
  private readonly programs: Member[] = [];
  private readonly progressed: number[] = [];

  /** `slowness`: by how much more time the victim's operation has, where it is bounded by time. */
  constructor(
    crew: Crew,
    dieAt: number,
    slowness: number,
    cast: Pick<Scene, 'victim' | 'first' | 'second' | 'newcomer'>,
  ) {
    this.crew = crew;
    this.relation = crew.relation;
    this.dieAt = dieAt;
    this.slowness = slowness;
    this.victim = cast.victim;
    this.first = cast.first;
    this.second = cast.second;
    this.newcomer = cast.newcomer;
  }

  /** The object, to be closed at the scene's end. */
  share<T extends SharedObject>(object: T): T {
    this.objects.push(object);
    return object;
  }

  /** A program of this scene only, that Lockstep did not start. It has joined nothing yet. */
  async program(): Promise<Member> {
    const member = await this.crew.recruit('unrelated');
    this.programs.push(member);
    return member;
  }

  /**
   * The victim calls the method and dies in it; resolves when it is dead (and reaped, if it was a
   * child).
   */
  crash(object: SharedObject, method: string, ...args: unknown[]): Promise<Death> {
    return this.crashIn(method, object, ...args.map((arg) => this.prolonged(arg)));
  }

  /** The same for what is no method; see `LastOrder`. */
  crashIn(operation: string, ...args: unknown[]): Promise<Death> {
    assert.equal(this.death, undefined, 'a victim dies once');
    this.death = this.die(operation, args);
    this.death.catch(() => {});
    return this.death;
  }

  /** Resolves once the victim waits for the object, unless it is dead, and so many survivors do. */
  async untilVictimWaits(object: SharedObject, survivors = 0): Promise<void> {
    const enough = (): boolean => waiting(object) >= survivors + (this.over ? 0 : 1);
    await until(enough, `the victim and ${survivors} survivors to wait on ${object}`);
  }

  /**
   * A survivor's call that can only succeed after the dead one's leftovers are cleared up; its time
   * is noted.
   */
  async progress<T>(promise: Promise<T>, what: string): Promise<T> {
    const noted = promise.then((value) => {
      this.progressed.push(clock());
      return value;
    });
    const bounded = inTime(noted, what, HANG_MS);
    bounded.catch(() => {}); // It may fail before it is awaited.
    return await bounded;
  }

  /** A member takes the lock and gives it back; resolves to whether it saw `recovered`. */
  async pass(member: Member, lock: SharedObject, method = 'acquireSync'): Promise<boolean> {
    const hold = await this.progress(member.call(lock, method), `${method} of ${lock}`);
    await member.call(lock, 'release');
    return (hold as { recovered: boolean }).recovered;
  }

  /**
   * Closes everything. `longest` is the time from the victim's death to a survivor's progress;
   * `foreign` tells whether programs died that Lockstep did not start.
   */
  async end(): Promise<{ death: Death; longest: number; foreign: boolean }> {
    const death = await inTime(this.death ?? Promise.reject(new Error('nobody died')), 'the victim', HANG_MS);
    const survivors = [this.first, this.second, this.newcomer];
    for (const { pid, pending } of survivors) assert.deepEqual(pending, [], `${pid} is still at it`);
    for (const survivor of survivors) await survivor.order('forget');
    for (const program of this.programs) await program.kill();
    for (const object of this.objects) closeWhole(object);
    const times = this.progressed.map((at) => at - death.at);
    const foreign = this.relation === 'unrelated' || this.programs.length > 0;
    return { death, longest: Math.max(0, ...times), foreign };
  }

  /** Ends what would outlive a scene that has failed; tells what its members were still at. */
  async abandon(): Promise<string> {
    const { victim, first, second, newcomer, programs } = this;
    const members = Object.entries<Member>({
      victim,
      first,
      second,
      newcomer,
      ...Object.assign({}, programs),
    });
    const busy = members.filter(([, { pending }]) => pending.length > 0);
    const told = busy.map(([name, { pending }]) => `${name} in ${pending.join(' and ')}`);
    await Promise.all(programs.map((program) => program.kill()));
    for (const object of this.objects) closeWhole(object);
    return told.join(', ') || 'nobody';
  }

  private prolonged(arg: unknown): unknown {
    const timeout: unknown =
      typeof arg === 'object' && arg !== null ? Reflect.get(arg, 'timeout') : undefined;
    return typeof timeout === 'number' ? { ...(arg as object), timeout: timeout * this.slowness } : arg;
  }

  private async die(operation: string, args: unknown[]): Promise<Death> {
    const { victim } = this;
    const answer = await victim.orderLast(operation, args, this.dieAt);
    if (answer !== undefined) await victim.kill();
    await victim.ended;
    this.over = true;
    // An `exit` that was completed has no answer, and leaves no farewell.
    const left = answer?.farewell ?? this.crew.farewellOf(victim);
    const farewell = left ?? { point: 'completion', passed: this.dieAt - 1, at: clock(), state: {} };
    const completed = answer !== undefined || left === undefined;
    return { ...farewell, pid: victim.pid, completed, value: answer?.value, error: answer?.error };
  }
}

/** The code of the error that it fails with. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => 'no error',
    (error: Error) => Reflect.get(error, 'code') ?? error.message,
  );
}
