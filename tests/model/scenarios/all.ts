/** All scenarios, by primitive. */

import type { AnyScenario } from '../scenario.ts';
import { arenaScenarios } from './arena.ts';
import { barrierScenarios } from './barrier.ts';
import { channelScenarios } from './channel.ts';
import { conditionScenarios } from './condition.ts';
import { deadlockScenarios } from './deadlock.ts';
import { eventScenarios } from './event.ts';
import { keptScenarios } from './kept.ts';
import { latchScenarios } from './latch.ts';
import { leftScenarios } from './left.ts';
import { lockScenarios } from './lock.ts';
import { poolScenarios } from './pool.ts';
import { poolResultScenarios } from './pool-results.ts';
import { poolStreamScenarios } from './pool-stream.ts';
import { poolWakingScenarios } from './pool-waking.ts';
import { ringScenarios } from './ring.ts';
import { rlockScenarios } from './rlock.ts';
import { roomScenarios } from './rooms.ts';
import { rwlockScenarios } from './rwlock.ts';
import { boundedScenarios, semaphoreScenarios } from './semaphore.ts';
import { threadScenarios } from './threads.ts';

export const SCENARIOS: Readonly<Record<string, readonly AnyScenario[]>> = {
  Lock: lockScenarios,
  RLock: rlockScenarios,
  Semaphore: semaphoreScenarios,
  BoundedSemaphore: boundedScenarios,
  Condition: conditionScenarios,
  Event: eventScenarios,
  Barrier: barrierScenarios,
  'Blocking and awaiting': threadScenarios,
  RWLock: rwlockScenarios,
  Latch: latchScenarios,
  Deadlock: deadlockScenarios,
  Ring: ringScenarios,
  Channel: channelScenarios,
  'Channel with room for one': roomScenarios,
  Arena: arenaScenarios,
  Kept: keptScenarios,
  Left: leftScenarios,
  Pool: poolScenarios,
  'Results of a pool': poolResultScenarios,
  'Waking of workers': poolWakingScenarios,
  'Streams of a pool': poolStreamScenarios,
};

export function scenarioNamed(primitive: string, name: string): AnyScenario {
  const found = SCENARIOS[primitive]?.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`no scenario "${name}" of ${primitive}`);
  return found;
}
