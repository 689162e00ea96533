/**
 * World: the namespace of a scenario, made once, and the agents in it, made again for every run of
 * an actor.
 *
 * Actor n sits in slot n+1: first the scenario's, then as many reapers as may be needed, then the
 * maker, which makes the objects and never closes them. The steps by which an agent sits down and
 * opens the objects are no part of a run. They are done on a copy of the state in which the maker
 * sits alone, so their results are always the same. Done one after the other they make the first
 * state.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent } from './internals.ts';
import type { Library } from './library.ts';
import { machine } from './machine.ts';
import type { MakeNamespace, ModelNamespace } from './namespace.ts';
import { namespacesOf } from './namespace.ts';
import type { AnyScenario, Share } from './scenario.ts';
import type { State } from './state.ts';
import { newState, restore, snapshot } from './state.ts';

export const NAMESPACE = 'model';
const NAMES = ['Ann', 'Bob', 'Cyd', 'Dan'];

/** An agent with its end of the objects. */
export interface Seat {
  readonly agent: Agent;
  readonly namespace: ModelNamespace;
  readonly things: unknown;
}

export class World {
  readonly lib: Library;
  readonly scenario: AnyScenario;
  /** Actors of the scenario. */
  readonly actors: number;
  /** Actors that run: with the reapers. */
  readonly running: number;
  /** How everything stands before anyone runs. */
  readonly first: State;
  private readonly handles: string[] = [];
  private readonly alone: State;
  private readonly scratch: State = newState();
  private readonly folder: string;
  private readonly makeNamespace: MakeNamespace;

  constructor(lib: Library, scenario: AnyScenario) {
    this.lib = lib;
    this.scenario = scenario;
    this.actors = scenario.actors.length;
    this.running = this.actors + (scenario.deaths ?? 0);
    this.makeNamespace = namespacesOf(lib);
    this.folder = emptyFolder(lib);
    machine.state = newState();
    const { things, namespace } = this.sit(this.running);
    scenario.begin?.(things, namespace);
    this.alone = snapshot(machine.state);
    for (let actor = 0; actor < this.running; actor++) this.sit(actor);
    this.first = snapshot(machine.state);
  }

  /** Name of the actor. */
  nameOf(actor: number): string {
    if (actor < this.actors) return NAMES[actor]!;
    if (actor === this.running) return 'maker';
    return actor === this.actors ? 'reaper' : `reaper ${actor - this.actors + 1}`;
  }

  isReaper(actor: number): boolean {
    return actor >= this.actors && actor < this.running;
  }

  /** The actor's agent as it was at its start. Leaves the machine's state as it is. */
  seat(actor: number): Seat {
    const { state } = machine;
    machine.state = this.scratch;
    restore(this.scratch, this.alone);
    const seat = this.sit(actor);
    machine.state = state;
    return seat;
  }

  /** Makes an agent in the slot of `actor`, and gives it the objects. */
  sit(actor: number): Seat {
    const { lib } = this;
    const namespace = this.makeNamespace(this.folder, actor + 1);
    const agent = new lib.Agent(namespace, this.nameOf(actor), '{}');
    lib.adopt(agent);
    let count = 0;
    const share: Share = (make, open) => {
      const handle = this.handles[count++];
      if (handle !== undefined) return open(handle);
      const made = make();
      this.handles.push(made.handle);
      return made;
    };
    return { agent, namespace, things: this.scenario.things(share, lib) };
  }
}

/** The namespace's folder, in which there are no names. */
function emptyFolder(lib: Library): string {
  const base = mkdtempSync(join(tmpdir(), 'lockstep-model-'));
  process.env.LOCKSTEP_DIR = base;
  process.on('exit', () => rmSync(base, { recursive: true, force: true }));
  const folder = lib.namedFolder(NAMESPACE);
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}
