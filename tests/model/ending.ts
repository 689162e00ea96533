/**
 * The conditions when no actor can continue: no actor waits needlessly, a newcomer can use the
 * objects, nothing is left when all leave.
 */

import { report } from './event-loop.ts';
import {
  AGENT_WAITS,
  agentWord,
  CELL_HEADER,
  CELL_OPEN,
  cellWord,
  LIVE_WORD,
  OPEN_WORDS,
} from './internals.ts';
import { machine } from './machine.ts';
import type { Ending } from './scenario.ts';
import { actorWord, DEAD, DEATHS_LEFT, DONE, ghostsOf, placeOf, STATUS } from './state.ts';
import type { World } from './world.ts';

/** Checks the machine's state, and spends it. A fault becomes the machine's violation. */
export function inspect(world: World): void {
  try {
    check(world);
  } catch (error) {
    machine.aborted = false;
    report(error);
  }
}

function check(world: World): void {
  const { scenario, lib } = world;
  const everybody = scenario.actors.map((_, actor) => actor);
  const having = (status: number) => everybody.filter((actor) => statusOf(actor) === status);
  const done = having(DONE);
  const dead = having(DEAD);
  const waiting = everybody.filter((actor) => !done.includes(actor) && !dead.includes(actor));
  const newcomer = dead[0] ?? world.running + 1;
  const { agent, namespace, things } = world.sit(newcomer);
  const ending: Ending<unknown> = {
    lib,
    ghosts: ghostsOf(machine.state),
    waiting,
    done,
    dead,
    things,
    agent,
    namespace,
    check: (holds, message) => {
      if (!holds) machine.fail(message);
    },
  };
  if (waiting.length > 0 && scenario.mayWait?.(ending) !== true) {
    machine.fail(`${waiting.map((actor) => world.nameOf(actor)).join(' and ')} wait(s) forever`);
  }
  scenario.settled?.(ending);
  for (let actor = 0; actor <= world.running + 1; actor++) {
    const slot = actor + 1;
    if (namespace.isLive(slot)) lib.reap(namespace, slot, slot);
  }
  checkNothingLeft(world, namespace.arena.bump, machine.state[DEATHS_LEFT] !== (scenario.deaths ?? 0));
}

function statusOf(actor: number): number {
  return machine.state[actorWord(actor) + STATUS]!;
}

function word(at: number): number {
  return machine.state[placeOf(at)]!;
}

function checkNothingLeft(world: World, cells: number, deaths: boolean): void {
  for (let cell = 1; cell <= cells; cell++) {
    const at = cellWord(cell);
    if (word(at + CELL_HEADER) !== 0) machine.fail(`cell ${cell} is not free when all have left`);
    for (let each = 0; each < OPEN_WORDS; each++) {
      if (word(at + CELL_OPEN + each) !== 0) machine.fail(`cell ${cell} is open when all have left`);
    }
  }
  if (!deaths && word(LIVE_WORD) !== 0) machine.fail('cells are counted when all have left');
  for (let actor = 0; actor <= world.running + 1; actor++) {
    if (word(agentWord(actor + 1) + AGENT_WAITS) !== 0)
      machine.fail(`${world.nameOf(actor)} has wait entries left`);
  }
}
