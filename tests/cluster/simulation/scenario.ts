/**
 * Scenario: the actions of a simulation's players, and the promises that must hold whatever
 * happens.
 */

import assert from 'node:assert/strict';
import type { Made } from '../../../src/cluster/document.ts';
import type { Turnstile } from '../../../src/cluster/machines/turnstile.ts';
import type { Answer, Chances, Play, Player, Rules, Want } from './world.ts';
import { ALL_RULES, World } from './world.ts';

export type AnyMachine = Made['machine'];

export interface Scenario {
  readonly name: string;
  /** Players at a time. */
  readonly players: number;
  play(player: Player, world: World): Play;
  /** Throws if a write is wrong. `state` is the machine's own, `undefined` where none is left. */
  // biome-ignore lint/suspicious/noExplicitAny: each scenario knows its own state
  check?(state: any, version: number, world: World): void;
  /** A crash has left this state: what was checked after it is undone. */
  // biome-ignore lint/suspicious/noExplicitAny: each scenario knows its own state
  undo?(state: any): void;
  /** Throws if the end is wrong. Faults have ceased by then, and every player has finished. */
  // biome-ignore lint/suspicious/noExplicitAny: each scenario knows its own state
  end(state: any, world: World): void;
}

const NO_FAULTS: Chances = { deaths: 0, jumps: 0, crashes: 0, losses: 0, repeats: 0, lostRings: 0 };
export const ALL_FAULTS: Chances = {
  deaths: 3,
  jumps: 10,
  crashes: 5,
  losses: 8,
  repeats: 5,
  lostRings: 30,
};

/** Steps within which all come to an end when the faults have ended. */
const MOST_STEPS = 60_000;

/** A call, as a player yields it. */
export function call(player: Player, machine: AnyMachine, id: string, made: unknown): Want {
  return { do: 'call', key: player.key, id, made: { machine, call: made } };
}

/** Waits for a ring; with `look`, at most so many milliseconds. */
export function ring(look = 0): Want {
  return { do: 'wait', look };
}

/** Goes through `steps` steps with players that come, do what they do, and are replaced. */
export function simulate(
  scenario: Scenario,
  machine: AnyMachine,
  seed: number,
  steps: number,
  faults: boolean,
  rules: Rules = ALL_RULES,
): World {
  const world = new World(seed, faults ? ALL_FAULTS : NO_FAULTS, rules);
  world.faults = faults;
  const stateOf = (body: string | null, version: number): unknown => {
    if (body === null) return undefined;
    const { state } = JSON.parse(body) as { state: unknown };
    const resolved = machine.resolve!(state, version) as { state: unknown };
    return resolved.state ?? undefined;
  };
  world.onWrite = (body, version) => scenario.check?.(stateOf(body, version), version, world);
  world.onCrash = (body, version) => scenario.undo?.(stateOf(body, version));
  const alive = (): Player[] => world.players.filter(({ alive, done }) => alive && !done);
  const busy = (): Player[] =>
    world.players.filter(({ alive, done, repeats }) => alive && (!done || repeats.length > 0));
  while (world.steps < steps) {
    while (alive().length < scenario.players) world.enter((player) => scenario.play(player, world));
    world.step();
  }
  world.faults = false;
  world.calm = true;
  world.noticeAll();
  for (const limit = world.steps + MOST_STEPS; busy().length > 0; world.step())
    assert.ok(world.steps < limit, `${busy().length} players never come to an end`);
  const { body, version } = world.server.snapshot('object');
  scenario.end(stateOf(body, version), world);
  return world;
}

/**
 * The invariants of every turnstile: places are conserved, tokens grow, the queue is served in
 * order.
 */
export class TurnstileCheck {
  private readonly of: number;
  private readonly joined = new Map<string, number>();
  private readonly demoted = new Set<string>();
  private before: Turnstile | undefined;
  private order = 0;
  private token = 0;

  constructor(of: number) {
    this.of = of;
  }

  check(state: Turnstile | undefined): void {
    const { before } = this;
    this.before = state;
    if (state === undefined) return;
    const { free, holders, offers, queue, of } = state;
    const out = [...holders, ...offers].reduce((sum, [, places]) => sum + places, 0);
    assert.equal(free + out, of, 'places are lost or made');
    assert.ok(free >= 0 && of === this.of, 'places are lost or made');
    // One step may let a call pass whose turn it is, and take in another behind it.
    for (const [id] of [...holders, ...offers, ...queue])
      if (!this.joined.has(id)) this.joined.set(id, ++this.order);
    const offered = new Set(before?.offers.map(([id]) => id));
    for (const [id] of queue) if (offered.has(id)) this.demoted.add(id);
    const held = new Set(before?.holders.map(([id]) => id));
    for (const [id, places, token] of holders) {
      if (held.has(id)) continue;
      if (places === of) assert.ok(token > this.token, `token ${token} after ${this.token}`);
      this.token = Math.max(this.token, token);
      this.checkOrder(
        id,
        queue.map(([other]) => other),
      );
    }
  }

  /** Calls that are no longer there have not come yet. */
  undo(state: Turnstile | undefined): void {
    this.before = state;
    const there = [...(state?.queue ?? []), ...(state?.offers ?? []), ...(state?.holders ?? [])];
    const ids = new Set(there.map(([id]) => id));
    for (const id of [...this.joined.keys()]) if (!ids.has(id)) this.joined.delete(id);
  }

  private checkOrder(entered: string, queue: readonly string[]): void {
    if (this.demoted.has(entered)) return;
    for (const other of queue) {
      if (this.demoted.has(other)) continue;
      assert.ok(this.joined.get(other)! > this.joined.get(entered)!, `${entered} overtook ${other}`);
    }
  }
}

/** The players that are inside, as they themselves believe. */
export class Inside {
  private readonly holders = new Map<Player, number>();
  private readonly most: number;
  private token = 0;

  constructor(most: number) {
    this.most = most;
  }

  enter(player: Player, places: number, token: number): void {
    this.holders.set(player, places);
    // An orphan's hold is lost, whatever it believes.
    const sum = [...this.holders].reduce(
      (all, [{ alive, orphaned }, each]) => all + (alive && !orphaned ? each : 0),
      0,
    );
    assert.ok(sum <= this.most, `${sum} of ${this.most} places are held`);
    if (places !== this.most) return;
    assert.ok(token > this.token, `a holder with token ${token} came after one with ${this.token}`);
    this.token = token;
  }

  leave(player: Player): void {
    this.holders.delete(player);
  }
}

/** Takes places, for a while; gives up now and then. `true`: they are held. */
export function* take(
  player: Player,
  world: World,
  machine: AnyMachine,
  id: string,
  places: number,
  gives: 'up' | 'not' | 'upInTheEnd' = 'up',
): Generator<Want, { token: number } | undefined, Answer> {
  const patient = (): boolean => gives === 'not' || (gives === 'up' && world.calm);
  const wait = patient() || world.random.percent(80);
  for (;;) {
    const { reply, version } = yield call(player, machine, id, { op: 'take', call: id, places, wait });
    if (reply.is === 'held') return { token: reply.token === 0 ? version : reply.token };
    if (reply.is === 'busy') return undefined;
    assert.equal(reply.is, 'waiting');
    if (!patient() && world.random.percent(10)) {
      yield call(player, machine, id, { op: 'leave', call: id });
      return undefined;
    }
    yield ring(reply.look);
  }
}

/** Lets other players continue. */
export function* pause(world: World): Generator<Want, void, Answer> {
  for (let i = world.random.below(4); i > 0; i--) yield ring(1);
}
