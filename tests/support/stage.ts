/**
 * A stage has actors: processes and threads, blocking or awaiting, that a test tells what to do.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Process, Thread } from 'lockstep';
import { act } from './actor.ts';
import type { Flavour, Kind, Look, Make, Role, Style } from './backends/backend.ts';
import { BEYOND, NOT_IN_CONTRACT } from './backends/backend.ts';
import { backend } from './backends/chosen.ts';
import { HereLink, type Link, WorkerLink } from './links.ts';
import type { operations, Self } from './operations.ts';
import { HANG_MS, PATIENCE_MS } from './until.ts';
import { type Hello, onMessage, type Reply, type SharedObject, toReferences } from './wire.ts';

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
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'lockstep-stage-'));
  readonly #path: string = join(this.#folder, 'socket');
  readonly #server: Server;
  readonly #onStage = new Map<number, (hello: Hello, socket: Socket) => (reply: Reply) => void>();
  #listening: Promise<void> | undefined;
  #actors: Actor[] = [];
  readonly #links: Link[] = [];
  #made: object[] = [];
  #shared: SharedObject[] = [];
  #serial = 0;

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
    this.#server = createServer((socket) => {
      socket.on('error', () => socket.destroy()); // The actor was killed; `close` follows.
      let receive: ((reply: Reply) => void) | undefined;
      onMessage(socket, (message) => {
        if (receive) receive(message as Reply);
        else receive = this.#onStage.get((message as Hello).serial)?.(message as Hello, socket);
      });
    });
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
      return actor === undefined || actor.ended ? this.#start(i) : actor;
    });
    this.#actors.splice(0, count, ...(await Promise.all(cast)));
    return this.#actors.slice(0, count) as Cast<N>;
  }

  /** After each test: nobody is still at it, and everything is let go. */
  async rest(): Promise<void> {
    const stuck = this.#actors.filter((actor) => actor.pending.length > 0 && !actor.ended);
    const what = stuck.map((actor) => `${actor.name} in ${actor.pending.join(', ')}`);
    await Promise.all(stuck.map((actor) => actor.kill()));
    this.#actors = this.#actors.filter((actor) => !actor.ended);
    await Promise.all(this.#actors.map((actor) => actor.forget()));
    for (const object of this.#made) await backend.self.close(object);
    for (const object of this.#shared) object.close();
    this.#made = [];
    this.#shared = [];
    assert.deepEqual(what, [], 'an actor is still at it after the test');
  }

  async close(): Promise<void> {
    await Promise.all(this.#actors.map((actor) => actor.leave()));
    await Promise.all(this.#links.map((link) => link.end()));
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(index: number): Promise<Actor> {
    this.#listening ??= new Promise((resolve) => this.#server.listen(this.#path, resolve));
    await this.#listening;
    const { roles } = this.#flavour;
    const { kind, style } = roles[index % roles.length] as Role;
    const serial = this.#serial++;
    if (kind === 'here') {
      const link = new HereLink(await backend.join!(), serial, style, {
        receive: (reply) => actor.receive(reply),
        hangUp: () => actor.hangUp(),
      });
      const actor = new Actor(link);
      this.#links.push(link);
      return actor;
    }
    const args: Parameters<typeof act> = [this.#path, serial, style];
    const options = { target: act, args, daemon: true };
    const worker = kind === 'process' ? new Process(options) : new Thread(options);
    const arrival = new Promise<Actor>((resolve) => {
      this.#onStage.set(serial, (hello, socket) => {
        const actor = new Actor(new WorkerLink(worker, hello, socket));
        socket.on('close', () => actor.hangUp());
        resolve(actor);
        return (reply) => actor.receive(reply);
      });
    });
    worker.start();
    const failed = worker.join().then(() => {
      throw new Error(`an actor ended at its start with exit code ${worker.exitCode}`);
    });
    return await Promise.race([arrival, failed]);
  }
}

export class Actor {
  readonly #link: Link;
  readonly #calls = new Map<number, { operation: string; settle: (reply: Reply) => void }>();
  #nextId = 0;
  #ended = false;

  constructor(link: Link) {
    this.#link = link;
  }

  get kind(): Kind {
    return this.#link.kind;
  }

  get pid(): number {
    return this.#link.hello.pid;
  }

  get threadId(): number {
    return this.#link.hello.threadId;
  }

  get name(): string {
    return this.#link.hello.name;
  }

  /** What objects name as their owner while the actor holds them. */
  get identity(): unknown {
    return this.#link.hello.identity;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Operations that it has not come back from. */
  get pending(): string[] {
    return [...this.#calls.values()].map(({ operation }) => operation);
  }

  /** Tells the actor to do something; resolves with the outcome, rejects with the actor's error. */
  do<K extends keyof Operations>(operation: K, ...args: Args<K>): Promise<Outcome<K>> {
    return handled(this.#call(operation, args).then(({ value }) => value as Outcome<K>));
  }

  /** As `do`, with the time that it took in the actor. */
  timed<K extends keyof Operations>(
    operation: K,
    ...args: Args<K>
  ): Promise<{ value: Outcome<K>; milliseconds: number }> {
    return handled(
      this.#call(operation, args).then(({ value, milliseconds }) => ({
        value: value as Outcome<K>,
        milliseconds,
      })),
    );
  }

  /** Releases what it still holds and closes what it has open. */
  async forget(): Promise<void> {
    await this.#call('forget', []);
  }

  /** SIGKILL for a process, `terminate()` for a thread; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#ended = true;
    await this.#link.kill();
  }

  /** Ends it normally, with whatever it holds. */
  async leave(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#link.leave();
  }

  /** Stops a process in its tracks. */
  async freeze(): Promise<void> {
    await this.#link.freeze();
  }

  thaw(): void {
    this.#link.thaw();
  }

  async #call(operation: string, args: readonly unknown[]): Promise<Reply> {
    if (this.#link.isCut) throw new Error(`${this.name} has ended`);
    const id = this.#nextId++;
    const reply = new Promise<Reply>((settle) => this.#calls.set(id, { operation, settle }));
    this.#link.send({ id, operation, args: toReferences(args, backend.refer) as unknown[] });
    const { error, ...rest } = await reply;
    if (error === undefined) return rest;
    const { message, ...fields } = error;
    throw Object.assign(new Error(message), fields);
  }

  receive(reply: Reply): void {
    this.#calls.get(reply.id)?.settle(reply);
    this.#calls.delete(reply.id);
  }

  /** Its calls that are under way will have no reply. */
  hangUp(): void {
    const error = {
      name: 'Error',
      message: `${this.name} ended meanwhile`,
      code: 'ACTOR_ENDED',
      stack: '',
      cause: '',
    };
    for (const [id, { settle }] of this.#calls) settle({ id, milliseconds: 0, error });
    this.#calls.clear();
  }
}

/** A promise that may reject before the test looks at it. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
