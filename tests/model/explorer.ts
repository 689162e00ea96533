/**
 * Explorer: takes a scenario through every schedule with at most so many preemptions, and through
 * every death.
 *
 * Depth first. A schedule is a chain of segments: an actor runs until it blocks, ends, dies or is
 * preempted. While a segment runs, at each of its scheduling points what else could happen there is
 * put on a stack: another actor goes on (a preemption), or this one dies. Where a segment comes to
 * a state that was explored with as many preemptions left, it is cut.
 *
 * Not every operation is a scheduling point. One on a word that only its actor touches, or that
 * nobody writes, commutes with all that others do. It is done together with the operation before
 * it. Which words these are is found out: all at first; when one turns out to be shared, the search
 * begins again with what it has learned. docs/internals/model.md says why this loses nothing.
 */

import { kill, runActor } from './actor.ts';
import { choicesOf, choose, GO, GOES_ON, mayDie } from './choices.ts';
import { inspect } from './ending.ts';
import { machine, OP } from './machine.ts';
import type { Counts, Log, Segment } from './segment.ts';
import { Sharing } from './sharing.ts';
import type { State } from './state.ts';
import {
  ASLEEP,
  actorWord,
  DEATHS_LEFT,
  IDLE,
  MAX_ACTORS,
  NAPS_LEFT,
  newState,
  restore,
  STATUS,
  snapshot,
  TIMEOUTS_LEFT,
} from './state.ts';
import { Key, Visited } from './visited.ts';
import type { World } from './world.ts';

/** Operations of one actor in one run, above which it is taken for one that never ends. */
const STEP_LIMIT = 5000;
const NOBODY = MAX_ACTORS;
/** Preemptions that teach almost all words that are shared. */
const TEACHING = 2;

export interface Found {
  readonly violation: Error;
  readonly segment: Segment;
}

export class Explorer {
  /**
   * The states in which no actor could continue, each with the last segment of a schedule that
   * leads there.
   */
  readonly endings: Map<string, Segment> = new Map();
  readonly counts: Counts = { preemptions: 0, states: 0, segments: 0, crashPoints: 0, endings: 0 };
  private readonly world: World;
  private readonly reduced: boolean;
  private readonly state: State = newState();
  private readonly key = new Key();
  private visited = new Visited();
  private stack: Segment[] = [];
  private readonly sharing = new Sharing();
  /** Whether the running segment came to a state that was explored. */
  private cut = false;
  private running: Segment | undefined;
  /** The operation before, in this segment. */
  private last: number = OP.NOTE;

  /**
   * `reduced`: whether to leave out what makes no difference, as always except when that is what is
   * tested.
   */
  constructor(world: World, reduced = true) {
    this.world = world;
    this.reduced = reduced;
  }

  /**
   * Searches every schedule with so many preemptions. Few preemptions teach which words are shared,
   * and do it sooner. What it finds, it looks for again with 0, 1, … preemptions, and so shows it
   * with the fewest.
   */
  async explore(preemptions: number): Promise<Found | undefined> {
    let found: Found | undefined;
    for (const bound of new Set([0, 1, TEACHING, preemptions].filter((each) => each <= preemptions))) {
      found = await this.searchAll(bound);
      if (found !== undefined) break;
    }
    if (found === undefined || this.counts.preemptions <= TEACHING) return found;
    for (let bound = TEACHING + 1; bound < preemptions; bound++) {
      const sooner = await this.searchAll(bound);
      if (sooner !== undefined) return sooner;
    }
    return found;
  }

  /** Searches again until it learns of no more shared words. */
  private async searchAll(bound: number): Promise<Found | undefined> {
    let found: Found | undefined;
    do found = await this.search(bound);
    while (found === undefined && this.sharing.learned);
    return found;
  }

  private async search(bound: number): Promise<Found | undefined> {
    const { counts } = this;
    this.sharing.learned = false;
    this.endings.clear();
    this.visited = new Visited(this.visited);
    Object.assign(counts, { preemptions: bound, states: 0, segments: 0, crashPoints: 0, endings: 0 });
    this.stack = [];
    this.start(bound);
    for (let next = this.stack.pop(); next !== undefined; next = this.stack.pop()) {
      counts.segments++;
      this.prepare(next);
      const log = [...next.logs[next.actor]!.results.slice(0, next.logs[next.actor]!.length)];
      choose(machine.state, next.actor, next.choice, log);
      const pending = runActor(this.world, next.actor, log, this.scheduler);
      if (pending !== undefined) await pending;
      if (machine.violation === undefined && !this.cut) this.goOn(next);
      if (machine.violation !== undefined) return { violation: machine.violation, segment: next };
      if (this.sharing.learned && bound > 0) break;
    }
    counts.states = this.visited.size;
    return undefined;
  }

  private start(bound: number): void {
    const { first, running, scenario } = this.world;
    const state = newState();
    restore(state, first);
    state[DEATHS_LEFT] = scenario.deaths ?? 0;
    state[TIMEOUTS_LEFT] = scenario.timeouts ?? 0;
    state[NAPS_LEFT] = scenario.naps ?? 0;
    const logs = Array.from({ length: running }, () => ({ results: [], length: 0 }));
    this.push(snapshot(state), { logs, left: bound, from: undefined, after: 0, dead: undefined });
  }

  private prepare(segment: Segment): void {
    restore(this.state, segment.state);
    machine.state = this.state;
    this.running = segment;
    this.last = OP.NOTE;
    this.cut = false;
  }

  private readonly scheduler = (op: number, at: number): boolean => {
    if (machine.log.length > STEP_LIMIT) machine.fail('it does not come to an end');
    const { actor, state } = machine;
    const segment = this.running!;
    const point = this.isPoint(op, at, actor);
    // A death before a load is one before what follows: an operation, or a note that belongs to the
    // load.
    const unlike = this.reduced
      ? op !== OP.LOAD && (op !== OP.NOTE || this.last === OP.LOAD)
      : op !== OP.NOTE;
    const deadly = unlike && mayDie(state, actor, this.world.scenario);
    this.last = op;
    if (!point && !deadly) return true;
    this.key.of(state);
    if (point && this.seen(actor, segment.left)) {
      this.cut = true;
      return false;
    }
    if (!deadly && segment.left === 0) return true;
    const here = { logs: this.logsNow(), from: segment, after: machine.position, dead: undefined };
    if (point && segment.left > 0) this.push(snapshot(state), { ...here, left: segment.left - 1 }, actor);
    if (deadly) this.die(actor, here);
    if (!this.reduced) {
      for (const dead of this.sleepers()) {
        const survived = this.without(dead);
        this.stack.push({ ...here, state: survived, actor, choice: GOES_ON, left: segment.left, dead });
        if (segment.left > 0) this.push(survived, { ...here, left: segment.left - 1, dead }, actor);
      }
    }
    return true;
  };

  /** Goes on without the actor. */
  private die(dead: number, here: Pick<Segment, 'logs' | 'from' | 'after'>): void {
    const { key, visited } = this;
    const { left } = this.running!;
    const survived = this.without(dead);
    key.of(survived);
    const before = visited.size;
    if (this.seen(NOBODY, left)) return;
    if (visited.size > before) this.counts.crashPoints++;
    this.push(survived, { ...here, left, dead });
  }

  /** The present state, with the actor dead. */
  private without(dead: number): State {
    const survived = snapshot(machine.state);
    kill(survived, dead);
    survived[DEATHS_LEFT] = survived[DEATHS_LEFT]! - 1;
    return survived;
  }

  /**
   * The actors that could die in their sleep, which makes no difference to dying when they fell
   * asleep.
   */
  private sleepers(): number[] {
    const { state } = machine;
    const { scenario, running } = this.world;
    const actors = Array.from({ length: running }, (_, actor) => actor);
    return actors.filter((actor) => {
      const status = state[actorWord(actor) + STATUS];
      return (status === ASLEEP || status === IDLE) && mayDie(state, actor, scenario);
    });
  }

  /** The actor has blocked or ended; an actor that can run continues. */
  private goOn(segment: Segment): void {
    const { key, state, counts } = this;
    key.of(state);
    if (this.seen(NOBODY, segment.left)) return;
    const from = {
      logs: this.logsNow(),
      left: segment.left,
      from: segment,
      after: Infinity,
      dead: undefined,
    };
    if (mayDie(state, segment.actor, this.world.scenario)) this.die(segment.actor, from);
    if (!this.reduced) for (const dead of this.sleepers()) if (dead !== segment.actor) this.die(dead, from);
    key.of(state);
    if (this.push(snapshot(state), from)) return;
    counts.endings++;
    this.endings.set(`${key.a} ${key.b} ${key.c}`, segment);
    inspect(this.world);
  }

  /**
   * Puts on the stack what can happen in the state. Returns whether something can that needs no
   * clock.
   */
  private push(state: State, from: Omit<Segment, 'state' | 'actor' | 'choice'>, except = NOBODY): boolean {
    const { key, stack, visited, world } = this;
    let progress = false;
    if (except !== NOBODY) key.of(state);
    for (let actor = 0; actor < world.running; actor++) {
      if (actor === except) continue;
      for (const choice of choicesOf(state, actor, world.scenario)) {
        progress ||= !choice.byTime;
        if (choice.result === GO && this.reduced && visited.has(key, actor, from.left)) continue;
        stack.push({ state, actor, choice, ...from });
      }
    }
    return progress;
  }

  /**
   * Whether the state of `key` was explored before with as many preemptions left. Notes that it is
   * now.
   */
  private seen(runner: number, left: number): boolean {
    return this.visited.add(this.key, runner, left) && this.reduced;
  }

  private logsNow(): Log[] {
    const { actor } = this.running!;
    const logs = [...this.running!.logs];
    logs[actor] = { results: machine.log, length: machine.position };
    return logs;
  }

  /**
   * Whether what happens before the operation and what happens after it may differ. Learns who
   * touches the word.
   */
  private isPoint(op: number, at: number, actor: number): boolean {
    if (op === OP.NOTE) return false;
    if (op > OP.PARK || !this.reduced) return true;
    const shared = this.sharing.touch(op, at, actor);
    return shared || op === OP.PARK;
  }
}
