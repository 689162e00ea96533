/** Runs an actor's code from its start to its next stop. */

import { clearTimers, report, runLoop } from './event-loop.ts';
import type { Scheduler } from './machine.ts';
import { machine, OP } from './machine.ts';
import type { Tools } from './scenario.ts';
import {
  ACTOR_WORDS,
  ASLEEP,
  actorWord,
  DEAD,
  DONE,
  ghostsOf,
  IDLE,
  MAX_ACTORS,
  SLOT_LOCK,
  STATUS,
  type State,
} from './state.ts';
import type { Seat, World } from './world.ts';

/**
 * Runs the actor on the machine's state; its log says what it has seen already. Returns a promise
 * if its code awaits. In the end the actor is done, or its run was aborted by the scheduler, by
 * blocking, or by a violation.
 */
export function runActor(
  world: World,
  actor: number,
  log: number[],
  scheduler: Scheduler,
): void | Promise<void> {
  clearTimers();
  const seat = world.seat(actor);
  machine.begin(actor, log, world.scenario.actors[actor]?.slow === true, scheduler);
  try {
    const pending = world.isReaper(actor)
      ? reapForEver(world, seat)
      : world.scenario.actors[actor]!.run(toolsFor(world, seat, actor));
    if (pending !== undefined) return runLoop(pending, seat.namespace).finally(() => stop(actor));
  } catch (error) {
    report(error);
  }
  stop(actor);
}

/**
 * Makes the actor one that no longer exists: all that matters is what it leaves in shared memory.
 */
export function kill(state: State, actor: number): void {
  forget(state, actor, DEAD);
  for (let each = 0; each < MAX_ACTORS; each++) {
    const word = actorWord(each) + SLOT_LOCK;
    if (state[word] === actor + 1) state[word] = 0;
  }
}

function stop(actor: number): void {
  machine.end();
  if (!machine.aborted) forget(machine.state, actor, DONE);
}

function forget(state: State, actor: number, status: number): void {
  const word = actorWord(actor);
  const lock = state[word + SLOT_LOCK]!;
  state.fill(0, word, word + ACTOR_WORDS);
  state[word + STATUS] = status;
  state[word + SLOT_LOCK] = lock;
}

function reapForEver({ lib }: World, { agent }: Seat): void {
  for (;;) lib.reapIfDead(agent, machine.operate(OP.AWAIT_DEATH, 0, 0, 0));
}

function toolsFor(world: World, seat: Seat, me: number): Tools<unknown> {
  return {
    me,
    lib: world.lib,
    agent: seat.agent,
    namespace: seat.namespace,
    things: seat.things,
    pause: () => {
      machine.operate(OP.PAUSE, 0, 0, 0);
    },
    note: (change) => {
      machine.atOnce(() => {
        change(ghostsOf(machine.state));
        return 0;
      });
    },
    look: (read) => machine.atOnce(() => read(ghostsOf(machine.state))),
    isWaiting: (actor) => [ASLEEP, IDLE].includes(machine.state[actorWord(actor) + STATUS]!),
    isDead: (actor) => machine.state[actorWord(actor) + STATUS] === DEAD,
    check: (holds, message) => {
      if (!holds) machine.fail(message);
    },
  };
}
