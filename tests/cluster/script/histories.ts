/**
 * Histories: the calls that a real server makes by itself, beside the machine of places.
 *
 * A history begins with a document as a seed makes it, also one that no run of the machine would
 * reach. Then sessions call, repeat calls, and die. After each call the reply, the document with
 * its sessions and its lifetime, and the rings have to be the machine's, run with the server's
 * time.
 */

import assert from 'node:assert/strict';
import { aloneIn } from '../../../src/cluster/alone.ts';
import type { Made } from '../../../src/cluster/document.ts';
import { runCalls } from '../../../src/cluster/document.ts';
import {
  boundedSemaphoreOf,
  lockOf,
  type PlacesMachine,
  rwlockOf,
  semaphoreOf,
  WRITER_PLACES,
} from '../../../src/cluster/machines/kinds.ts';
import type { CallId } from '../../../src/cluster/machines/machine.ts';
import { numberOf, sessionOf } from '../../../src/cluster/machines/machine.ts';
import { KEPT_MS } from '../../../src/cluster/machines/once.ts';
import type { PlacesCall, PlacesReply, TurnCall } from '../../../src/cluster/machines/places.ts';
import type { Entry, Holder, Offer, Turnstile } from '../../../src/cluster/machines/turnstile.ts';
import type { Snapshot, Store, Turned } from '../../../src/cluster/store.ts';
import { Random } from '../../soak/random.ts';

/** The rings of the server, by object: `<session> <after> <version> <body>`. */
export type Heard = Map<string, string[]>;

/** A document as it is at the server. */
export interface Raw {
  readonly version: number;
  readonly sessions: readonly string[];
  readonly body: string;
  /** Milliseconds until it goes by itself; -1: never. */
  readonly lifetime: number;
}

/** The server behind a store, seen from below. */
export interface Ground {
  readonly store: Store;
  /** Milliseconds for which the name of a deleted document is kept. */
  readonly tombstoneMs: number;
  readonly subjects: readonly Subject[];
  /** Whether it leaves only notifications to the machine. */
  readonly whole: boolean;
  /** Whether calls go in on an offer. */
  readonly early: boolean;
  /** Whether it rings in reverse order, and adds the document only where a call may go in. */
  readonly urgentLast: boolean;
  now(): Promise<number>;
  begin(sessions: readonly string[]): Promise<void>;
  kill(session: string): Promise<void>;
  plant(key: string, version: number, sessions: readonly string[], body: string): Promise<void>;
  raw(key: string): Promise<Raw | null>;
  clear(key: string, sessions: readonly string[]): Promise<void>;
}

export interface Bench {
  readonly ground: Ground;
  readonly expected: Heard;
}

/** How often the server made the call, and left it to the machine. */
export interface Tally {
  made: number;
  left: number;
}

const CONDITIONS = ['c[1]"}', 'x],['];
const CLAIMS = [1, 3, 250];

export interface Subject {
  readonly machine: PlacesMachine;
  readonly of: number;
  readonly each: readonly number[];
}

export const LOCKS: readonly Subject[] = ['Lock', 'RLock', 'Condition'].map((kind) => ({
  machine: lockOf(kind),
  of: 1,
  each: [1],
}));
export const ALL: readonly Subject[] = [
  ...LOCKS,
  { machine: boundedSemaphoreOf(2), of: 2, each: [1] },
  { machine: boundedSemaphoreOf(3), of: 3, each: [1] },
  { machine: semaphoreOf(2), of: 2, each: [1, 2] },
  { machine: rwlockOf(), of: WRITER_PLACES, each: [1, WRITER_PLACES] },
];

/** Sessions of a history at the most. */
export const MOST_SESSIONS = 4;

export function sessionAt(place: number, index: number): string {
  return `s${place}-${index}`;
}

/** One history. */
export class History {
  private readonly bench: Bench;
  private readonly random: Random;
  private readonly subject: Subject;
  private readonly key: string;
  private readonly condition: string;
  private readonly sessions: readonly string[];
  private readonly dead = new Set<string>();
  private readonly calls: CallId[] = [];
  private numbers = 10;
  private known: Snapshot = { version: 0, body: null, dead: [], now: 0 };
  private named: readonly string[] = [];

  /**
   * `place`: of those that run at a time. Histories of one place have sessions of the same names.
   */
  constructor(bench: Bench, seed: number, place: number) {
    this.bench = bench;
    this.random = new Random(seed);
    this.subject = this.random.pick(bench.ground.subjects);
    this.condition = this.random.pick(CONDITIONS);
    this.key = `o${seed}|:`;
    this.sessions = Array.from({ length: 2 + this.random.below(3) }, (_, i) => sessionAt(place, i));
  }

  async run(tally: Tally): Promise<void> {
    const { ground } = this.bench;
    await ground.begin(this.sessions);
    if (this.random.percent(60)) await this.plant();
    for (let steps = 4 + this.random.below(14); steps > 0; steps--) await this.step(tally);
    await ground.clear(this.key, this.sessions);
  }

  private newCall(): CallId {
    const call = `${this.random.pick(this.sessions)}/${++this.numbers}`;
    this.calls.push(call);
    return call;
  }

  /** A document out of nowhere, written a while ago. */
  private async plant(): Promise<void> {
    const { random, subject } = this;
    const { ground } = this.bench;
    const now = await ground.now();
    const version = (now - random.below(2 * KEPT_MS)) * 1000;
    const { machine, of } = subject;
    const note = (): string => (machine.kind === 'Condition' && random.percent(30) ? this.condition : '');
    let free = of;
    const some = <Item>(most: number, make: () => Item | undefined): Item[] =>
      Array.from({ length: random.below(most + 1) }, make).filter((item) => item !== undefined);
    const placed = (): number | undefined => {
      const places = random.pick(subject.each);
      if (places > free) return undefined;
      free -= places;
      return places;
    };
    const holders = some(2, (): Holder | undefined => {
      const places = machine.kind === 'Semaphore' ? undefined : placed();
      const token = random.percent(50) ? 0 : version - 7;
      if (places === undefined) return undefined;
      return [this.newCall(), places, token, random.percent(30) ? 1 : 0];
    });
    const offers = some(2, (): Offer | undefined => {
      const places = placed();
      if (places === undefined) return undefined;
      return [this.newCall(), places, now + random.below(8000) - 4000, note()];
    });
    const queue = some(3, (): Entry => [this.newCall(), random.pick(subject.each), note()]);
    const waits = machine.kind === 'Condition' ? some(2, () => this.newCall()) : [];
    const state: Turnstile = {
      of,
      free,
      holders,
      offers,
      queue,
      waits: waits.length > 0 ? { [this.condition]: waits } : {},
      hurt: random.percent(20) ? 1 : 0,
    };
    const made = some(2, () => {
      const at = random.percent(30) ? 0 : version - 1000 * random.below(KEPT_MS);
      return [this.newCall(), at, { is: 'done', count: 1 }] as [CallId, number, PlacesReply];
    });
    const lapsed = machine.kind === 'Lock' && random.percent(20) && made.length > 0;
    const whole = lapsed ? { state: null, made } : { state, made };
    const body = JSON.stringify({ kind: machine.kind, state: whole });
    this.named = [...new Set(machine.callsIn(whole).map(sessionOf))];
    this.known = { version, body, dead: [], now };
    await ground.plant(this.key, version, this.named, body);
  }

  private async step(tally: Tally): Promise<void> {
    const { random } = this;
    if (random.percent(6) && this.dead.size + 1 < this.sessions.length) {
      const victim = random.pick(this.sessions);
      this.dead.add(victim);
      await this.bench.ground.kill(victim);
    }
    const call = this.anyCall();
    const id = call.op === 'look' ? `${this.sessions[0]}/1` : call.call;
    if (this.dead.has(sessionOf(id))) return;
    const claim = random.pick(CLAIMS);
    if (call.op === 'take' || call.op === 'leave' || call.op === 'give') {
      const turned = await this.turn(call, claim);
      if (turned.done) {
        tally.made++;
        await this.compare(call, claim, turned);
        return;
      }
      tally.left++;
      this.checkLeft(call, turned.fresh);
    }
    await this.commit(call, id, claim);
  }

  private anyCall(): PlacesCall {
    const { random, subject } = this;
    const { kind } = subject.machine;
    const call =
      this.calls.length > 0 && random.percent(65) ? random.pick(this.calls.slice(-6)) : this.newCall();
    const places = random.pick(subject.each);
    const dice = random.below(100);
    if (kind === 'Condition' && dice < 25) {
      const hold = random.pick(this.calls);
      const { condition } = this;
      if (dice < 12) return { op: 'wait', call: this.newCall(), hold, condition };
      if (dice < 20) return { op: 'notify', call: this.newCall(), hold, condition, n: 1 + random.below(2) };
      return { op: 'giveUp', call, condition };
    }
    if (kind === 'Semaphore' && dice < 40) return { op: 'give', call, places, most: 4 };
    if (dice < 70) {
      const wait = random.percent(75);
      // Whoever goes in early has waited for a lock, and was offered it.
      const early = this.bench.ground.early && subject.of === 1 && wait && random.percent(60);
      if (!early) return { op: 'take', call, places, wait };
      const offered = /"offers":\[\["([^"]+)"/.exec(this.known.body ?? '')?.[1] ?? call;
      return { op: 'take', call: offered, places, wait, since: Math.max(1, this.known.version - 5) };
    }
    return { op: 'leave', call };
  }

  private turn(call: TurnCall, claim: number): Promise<Turned> {
    const { machine, of } = this.subject;
    const session = sessionOf(call.call);
    const { key } = this;
    const wantsBody = this.random.percent(70);
    return this.bench.ground.store.turn!({
      session,
      epoch: 0,
      key,
      kind: machine.kind,
      of,
      call,
      alone: this.random.percent(80) ? aloneIn(machine, call) : '',
      claim,
      wantsBody,
      lazy: true,
    });
  }

  /** The machine's outcome of the call, at the server's time. */
  private outcome(call: PlacesCall, id: CallId, claim: number, now: number): ReturnType<typeof runCalls> {
    const made: Made = { machine: this.subject.machine, call };
    const dead = this.named.filter((session) => this.dead.has(session));
    const caller = { caller: sessionOf(id), seen: numberOf(id), claim };
    return runCalls(this.key, { ...this.known, dead, now }, [made], caller);
  }

  /** The script has made the call: as the machine would have? */
  private async compare(call: TurnCall, claim: number, turned: Turned & { done: true }): Promise<void> {
    const { key, known } = this;
    const { ground, expected } = this.bench;
    const outcome = this.outcome(call, call.call, claim, turned.now);
    const [result] = outcome.results;
    const story = (): string =>
      `${JSON.stringify(call)} at ${turned.now} on ${known.version} ${known.body}, dead: ${[...this.dead]}`;
    assert.deepEqual(turned.reply, result!.reply, `the reply to ${story()}`);
    const raw = await ground.raw(key);
    if (!outcome.changed) {
      assert.equal(turned.version, result!.version ?? known.version, `the version of ${story()}`);
      if (known.version > 0) assert.equal(raw?.version, known.version, `${story()} has written`);
      if (turned.body !== undefined) assert.equal(turned.body, known.body, story());
      return;
    }
    assert.ok(turned.version > known.version, `the version of ${story()}`);
    if (turned.body !== undefined) assert.equal(turned.body, outcome.body, `the returned body of ${story()}`);
    assert.ok(raw !== null, `no document after ${story()}`);
    assert.equal(raw.version, turned.version, story());
    assert.equal(raw.body, outcome.body ?? '', `the document after ${story()}`);
    assert.deepEqual([...raw.sessions].sort(), [...outcome.sessions].sort(), story());
    const keep = outcome.body === null ? ground.tombstoneMs : outcome.keep;
    const { lifetime } = raw;
    assert.ok(
      keep === 0 ? lifetime === -1 : Math.abs(lifetime - keep) < KEPT_MS / 2,
      `${lifetime} ${story()}`,
    );
    this.wrote(outcome, turned.version, turned.now);
    const heard = expected.get(key) ?? [];
    expected.set(key, heard);
    const fresh = outcome.body === null ? '' : `${turned.version} ${outcome.body}`;
    const { urgentLast } = ground;
    for (const { to, after } of urgentLast ? [...outcome.rings].reverse() : outcome.rings)
      heard.push(`${sessionOf(to)} ${after} ${urgentLast && after > 0 ? '' : fresh}`);
  }

  /** Where the server makes all it can, only notifications are left to the machine. */
  private checkLeft(call: TurnCall, fresh: Snapshot): void {
    const { body, version } = this.known;
    assert.equal(fresh.body, body);
    assert.equal(fresh.version, version);
    if (!this.bench.ground.whole) return;
    const { state } = (JSON.parse(body!) as { state: { state: Turnstile } }).state;
    const noted = [...state.offers.map((offer) => offer[3]), ...state.queue.map((entry) => entry[2])];
    const some = Object.keys(state.waits).length > 0 || noted.some((note) => note !== '');
    assert.ok(some, `left to the machine: ${JSON.stringify(call)} on ${body}`);
  }

  /** The call by the machine and a commit, as for all other calls. */
  private async commit(call: PlacesCall, id: CallId, claim: number): Promise<void> {
    const { key, known } = this;
    const { ground, expected } = this.bench;
    const { store } = ground;
    const session = sessionOf(id);
    const { now } = await store.read(key, session);
    const { changed, body, sessions, rings, keep } = this.outcome(call, id, claim, now);
    if (!changed) return;
    const expect = known.body === null ? 0 : known.version;
    const commit = { session, epoch: 0, key, expect, body, sessions, rings, keep, lazy: false };
    const done = await store.commit(commit);
    assert.ok(done.done);
    this.wrote({ body, sessions }, done.version, done.now);
    const heard = expected.get(key) ?? [];
    expected.set(key, heard);
    for (const { to, after } of rings)
      heard.push(`${sessionOf(to)} ${after} ${body === null ? '' : `${done.version} ${body}`}`);
  }

  private wrote(
    { body, sessions }: { body: string | null; sessions: readonly string[] },
    version: number,
    now: number,
  ): void {
    this.known = { version, body, dead: [], now };
    this.named = sessions;
  }
}
