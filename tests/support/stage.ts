/**
 * A stage has actors: processes and threads, blocking or awaiting, that a test tells what to do.
 */

import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Process, Thread } from 'lockstep';
import { act } from './actor.ts';
import type { Flavour, Kind, Look, Make, Role, Seat, Style } from './backends/backend.ts';
import { BEYOND, NOT_IN_CONTRACT } from './backends/backend.ts';
import { backend } from './backends/chosen.ts';
import { runHere } from './here.ts';
import { Crew } from './members/crew.ts';
import { Member } from './members/member.ts';
import type { operations, Self } from './operations.ts';
import { HANG_MS, PATIENCE_MS } from './until.ts';
import type { Report, SharedObject } from './wire.ts';

type Operations = typeof operations;
type Args<K extends keyof Operations> = Operations[K] extends (self: Self, ...args: infer A) => unknown
  ? A
  : never;
type Outcome<K extends keyof Operations> = Awaited<ReturnType<Operations[K]>>;
type Cast<N extends number, T extends Actor[] = []> = number extends N
  ? Actor[]
  : T['length'] extends N
    ? T
    : Cast<N, [...T, Actor]>;

/** Makes objects as the backend does, to be closed when the test ends. */
type StagedMake = {
  readonly [K in keyof Make]: (...args: Parameters<Make[K]>) => Promise<Awaited<ReturnType<Make[K]>>>;
};

/** Those of the backend, or the one that `LOCKSTEP_FLAVOUR` names. */
const flavours = backend.flavours.filter(({ name }) => {
  const { LOCKSTEP_FLAVOUR = name } = process.env;
  return name === LOCKSTEP_FLAVOUR;
});

/** Defines the suite of a contract once for each flavour. */
export function suite(contract: string, define: (stage: Stage) => void): void {
  for (const flavour of flavours) {
    const name = backend.name === '' ? flavour.name : `${backend.name}, ${flavour.name}`;
    describe(`${contract}: ${name}`, () => {
      const stage = new Stage(contract, flavour);
      afterEach(() => stage.rest());
      after(() => stage.close());
      define(stage);
    });
  }
}

export class Stage {
  /** Makes an object that the suite is about. */
  readonly make: StagedMake;
  readonly #contract: string;
  readonly #flavour: Flavour;
  readonly #crew = new Crew(Actor);
  readonly #seats: Seat[] = [];
  #actors: Actor[] = [];
  #made: object[] = [];
  #shared: SharedObject[] = [];

  constructor(contract: string, flavour: Flavour) {
    this.#contract = contract;
    this.#flavour = flavour;
    const staged = Object.entries(backend.make).map(([kind, make]) => {
      const staging = async (...args: never[]): Promise<object> => {
        const object: object = await Reflect.apply(make, backend.make, args);
        this.#made.push(object);
        return object;
      };
      return [kind, staging];
    });
    this.make = Object.fromEntries(staged) as StagedMake;
  }

  /** A case: a sentence that starts with the numbers of the behaviours it holds. */
  it(sentence: string, body: () => Promise<void>): void {
    const reason = backend.omits(this.#contract, sentence);
    if (reason === undefined) it(sentence, { timeout: HANG_MS }, body);
    else this.omit(sentence, reason);
  }

  /**
   * A case that is only about objects in shared memory: how they travel as arguments, or what
   * `Sync` calls of this process do. It makes them itself.
   */
  inMemory(sentence: string, body: () => Promise<void>): void {
    if (backend.name === '') this.it(sentence, body);
    else this.omit(sentence, `${BEYOND}it is about objects in shared memory`);
  }

  /** A case that needs a member or an option that is not in contracts.ts, by its name. */
  beyond(member: string, sentence: string, body: () => Promise<void>): void {
    if (backend.isWhole) this.it(sentence, body);
    else this.omit(sentence, `${BEYOND}${NOT_IN_CONTRACT}${member}`);
  }

  /** So many rounds; fewer where each takes a round trip. */
  rounds(count: number): number {
    return Math.ceil(count / backend.slower);
  }

  /** A case left out in this flavour, with the reason. */
  omit(sentence: string, reason: string): void {
    it(sentence, { skip: reason });
  }

  /** Whether every actor is of this kind or style. One in this process stops as a process does. */
  all(what: Exclude<Kind, 'here'> | Style): boolean {
    return this.#flavour.roles.every(({ kind, style }) => {
      const stands = kind === 'here' ? 'process' : kind;
      return stands === what || style === what;
    });
  }

  /** How the object stands, as this process sees it. */
  async look(object: object): Promise<Look> {
    return await backend.self.look(object);
  }

  /** Resolves once exactly `count` calls wait for the object. */
  async untilWaiting(object: object, count: number): Promise<void> {
    await this.until(object, ({ waiting }) => waiting === count, `${count} waiting`);
  }

  /** Resolves once the object stands so. */
  async until(object: object, stands: (look: Look) => boolean, what: string): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const look = await backend.self.look(object);
      if (stands(look)) return;
      if (performance.now() > end)
        throw new Error(`waited ${PATIENCE_MS} ms in vain for ${what}: ${JSON.stringify(look)}`);
      await sleep(1);
    }
  }

  /**
   * An object in shared memory, whatever the suite's objects are; a counter of the test itself,
   * say. Closed here when the test ends.
   */
  share<T extends SharedObject>(object: T): T {
    this.#shared.push(object);
    return object;
  }

  /** A process, or a thread where all actors are threads, not yet started. */
  worker<A extends unknown[]>(options: { target: (...args: A) => unknown; args: A }): Process | Thread {
    return this.all('thread') ? new Thread(options) : new Process(options);
  }

  /** The first `count` actors, started where they are missing. */
  async actors<const N extends number>(count: N): Promise<Cast<N>> {
    const cast = Array.from({ length: count }, (_, i) => {
      const actor = this.#actors[i];
      return actor === undefined || actor.isOver ? this.#start(i) : actor;
    });
    this.#actors.splice(0, count, ...(await Promise.all(cast)));
    return this.#actors.slice(0, count) as Cast<N>;
  }

  /** After each test: nobody is still at it, and everything is let go. */
  async rest(): Promise<void> {
    const stuck = this.#actors.filter((actor) => actor.pending.length > 0 && !actor.isOver);
    const what = stuck.map((actor) => `${actor.name} in ${actor.pending.join(', ')}`);
    await Promise.all(stuck.map((actor) => actor.kill()));
    this.#actors = this.#actors.filter((actor) => !actor.isOver);
    await Promise.all(this.#actors.map((actor) => actor.forget()));
    for (const object of this.#made) await backend.self.close(object);
    for (const object of this.#shared) object.close();
    this.#made = [];
    this.#shared = [];
    assert.deepEqual(what, [], 'an actor is still at it after the test');
  }

  async close(): Promise<void> {
    await Promise.all(this.#actors.map((actor) => actor.leave()));
    this.#crew.close();
    await Promise.all(this.#seats.map((seat) => seat.end()));
  }

  async #start(index: number): Promise<Actor> {
    const { roles } = this.#flavour;
    const { kind, style } = roles[index % roles.length] as Role;
    if (kind !== 'here') return this.#crew.start(kind, act, style);
    const seat = await backend.join!();
    this.#seats.push(seat);
    return this.#crew.startAs((address) => runHere(address, style, seat));
  }
}

export class Actor extends Member {
  /** Gives the actor something to do; resolves to the outcome, rejects with the actor's error. */
  do<K extends keyof Operations>(operation: K, ...args: Args<K>): Promise<Outcome<K>> {
    return handled(this.order(operation, ...args) as Promise<Outcome<K>>);
  }

  /** As `do`, with the time that it took in the actor. */
  timed<K extends keyof Operations>(
    operation: K,
    ...args: Args<K>
  ): Promise<{ value: Outcome<K>; milliseconds: number }> {
    return handled(this.reportOf(operation, args) as Promise<Report & { value: Outcome<K> }>);
  }

  /** Releases what it still holds and closes what it has open. */
  async forget(): Promise<void> {
    await this.order('forget');
  }

  protected override refer(value: unknown): string | undefined {
    return backend.refer(value);
  }
}

/** A promise that may reject before the test looks at it. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
