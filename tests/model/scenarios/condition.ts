/**
 * Condition: at most n of the present waiters are notified, and no notification is lost. A waiter
 * that returns has the lock.
 */

import type { Condition, Hold, Lock, RLock } from 'lockstep';
import type { Actor, AnyScenario, Ending, Scenario, Tools } from '../scenario.ts';
import { critical } from './critical.ts';
import { aCondition, aLock, anRLock, drawLastTickets } from './objects.ts';

interface Things {
  lock: Lock;
  condition: Condition;
}

/**
 * Ghosts, beside the one of `critical`: waits that were begun, that were notified, and the calls of
 * notify so far.
 */
const BEGUN = 1;
const RETURNED = 2;
const GRANTED = 3;
const CALLS = 4;
/**
 * For each actor: how many of its calls wait, and the calls of notify when the first of them began.
 */
const WAITING = 5;
const SINCE = 8;
/**
 * Whether a notification may have been given up, by a timeout or a death: then it goes to any that
 * waits.
 */
const HANDED_ON = 11;

const things: Scenario<Things>['things'] = (share, lib) => {
  const lock = aLock(share, lib);
  return { lock, condition: aCondition(share, lib, lock) };
};

/** An actor that waits in the end has not been notified since it came. */
function mayWait({ ghosts, waiting, check }: Ending<Things>): boolean {
  const passedOver = waiting.some((actor) => ghosts[SINCE + actor]! < ghosts[CALLS]!);
  check(!passedOver || ghosts[RETURNED]! >= ghosts[GRANTED]!, 'a notification was lost');
  return waiting.every((actor) => ghosts[WAITING + actor]! > 0);
}

function settled(ending: Ending<Things>): void {
  const { ghosts, check } = ending;
  check(ghosts[RETURNED]! <= ghosts[GRANTED]!, 'more were notified than should');
  usable(ending);
}

function usable({ things: { lock, condition }, check }: Ending<Things>): void {
  check(!lock.locked, 'the lock is still held');
  const hold = lock.acquireSync();
  condition.notifyAll();
  hold.release();
}

/** Notes that a wait begins; returns how often was notified before. */
function begins({ me, note, look }: Tools<Things>): number {
  note((ghosts) => {
    ghosts[BEGUN]!++;
    if (ghosts[WAITING + me]!++ === 0) ghosts[SINCE + me] = ghosts[CALLS]!;
  });
  return look((ghosts) => ghosts[CALLS]!);
}

function returns(tools: Tools<Things>, hold: Hold, notified: boolean, before: number): void {
  tools.note((ghosts) => {
    const later = notified && ghosts[CALLS] === before && ghosts[HANDED_ON] === 0;
    tools.check(!later, 'a notification went to one that came later');
    if (notified) ghosts[RETURNED]!++;
    else ghosts[BEGUN]!--;
    ghosts[WAITING + tools.me]!--;
  });
  // The waiter gave the lock up meanwhile: `recovered` went to the agent that took it first after a
  // predecessor's death.
  critical(tools, { ...hold, recovered: true });
  hold.release();
}

const waits: Actor<Things> = {
  run(tools) {
    const { lock, condition } = tools.things;
    const hold = lock.acquireSync();
    const before = begins(tools);
    const notified = condition.waitSync();
    returns(tools, hold, notified, before);
  },
};
const waitsFor: Actor<Things> = {
  timed: true,
  run(tools) {
    const { lock, condition } = tools.things;
    const hold = lock.acquireSync();
    const before = begins(tools);
    const notified = condition.waitSync({ timeout: 100 });
    returns(tools, hold, notified, before);
  },
};
const awaits = (flows = 1, timed = false): Actor<Things> => ({
  timed,
  async run(tools) {
    const { lock, condition } = tools.things;
    const flow = async (): Promise<void> => {
      const hold = await lock.acquire();
      const before = begins(tools);
      const notified = await (timed ? condition.wait({ timeout: 100 }) : condition.wait());
      returns(tools, hold, notified, before);
    };
    await Promise.all(Array.from({ length: flows }, flow));
  },
});
const notifies = (...counts: number[]): Actor<Things> => ({
  mortal: false,
  run(tools) {
    const { lock, condition } = tools.things;
    for (const count of counts) {
      const hold = lock.acquireSync();
      tools.note((ghosts) => {
        ghosts[GRANTED]! += Math.min(count, ghosts[BEGUN]! - ghosts[GRANTED]!);
        ghosts[CALLS]!++;
      });
      condition.notify(count);
      hold.release();
    }
  },
});

/** Awaits, and closes the condition in a later turn. */
const closes: Actor<Things> = {
  async run(tools) {
    const { lib } = tools;
    const { lock, condition } = tools.things;
    const hold = await lock.acquire();
    const before = begins(tools);
    setImmediate(() => condition.close());
    let notified = false;
    try {
      notified = await condition.wait();
    } catch (error) {
      if (!(error instanceof lib.ClosedError)) throw error;
    }
    returns(tools, hold, notified, before);
  },
};

/** With a lock that is held twice. */
const waitsDeep: Actor<{ lock: RLock; condition: Condition }> = {
  run({ things: { lock, condition }, check }) {
    lock.acquireSync();
    lock.acquireSync();
    check(condition.waitSync(), 'the wait came to nothing');
    check(lock.owned && lock.depth === 2, 'the lock is not held as before');
    lock.release();
    lock.release();
  },
};
/** Notifies until both have been. */
const notifiesDeep: Actor<{ lock: RLock; condition: Condition }> = {
  run({ things: { lock, condition }, note }) {
    lock.acquireSync();
    condition.notify();
    note((ghosts) => {
      ghosts[CALLS]!++;
    });
    lock.release();
  },
};
const deep: Scenario<{ lock: RLock; condition: Condition }> = {
  name: 'one waits with an RLock held twice, one is notified',
  things: (share, lib) => {
    const lock = anRLock(share, lib);
    return { lock, condition: aCondition(share, lib, lock) };
  },
  actors: [waitsDeep, notifiesDeep],
  preemptions: [4, 5],
  // It may have come too late.
  mayWait: ({ waiting, things: { lock } }) => waiting.length === 1 && waiting[0] === 0 && !lock.locked,
};

const base = { things, mayWait, settled };
/** A notifier in whose company waits may end otherwise. */
const notifiesUncertain: Actor<Things> = {
  ...notifies(1),
  run(tools) {
    tools.note((ghosts) => {
      ghosts[HANDED_ON] = 1;
    });
    void notifies(1).run(tools);
  },
};

const scenarios: readonly Scenario<Things>[] = [
  { ...base, name: 'two wait, one is notified', actors: [waits, waits, notifies(1)], preemptions: [2, 3] },
  {
    ...base,
    name: 'two wait, one is notified, tickets at their end',
    begin: ({ condition }) => drawLastTickets(condition),
    actors: [waits, waits, notifies(1)],
    preemptions: [1, 2],
  },
  { ...base, name: 'two wait, both are notified', actors: [waits, waits, notifies(2)], preemptions: [2, 3] },
  {
    ...base,
    name: 'two wait, notified one by one',
    actors: [waits, waits, notifies(1, 1)],
    preemptions: [1, 3],
  },
  {
    ...base,
    name: 'two wait, one gives up, one is notified',
    actors: [waits, waitsFor, notifiesUncertain],
    timeouts: 1,
    preemptions: [1, 3],
  },
  {
    ...base,
    name: 'one waits, one awaits, one is notified',
    actors: [waits, awaits(), notifies(1)],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'two flows of one await, one is notified',
    actors: [awaits(2), notifies(1)],
    preemptions: [3, 5],
  },
  {
    ...base,
    name: 'one waits, one awaits and gives up, one is notified',
    actors: [waits, awaits(1, true), notifiesUncertain],
    timeouts: 1,
    preemptions: [1, 3],
  },
];
const closing: Scenario<Things> = {
  ...base,
  name: 'one waits, one awaits and closes, one is notified',
  actors: [waits, closes, notifiesUncertain],
  // Closing hands on also what a call has taken that has not got its lock back: one too many rather
  // than none.
  settled: usable,
  preemptions: [1, 3],
};
/**
 * The largest of all: two preemptions make 60 million states, a third one would make some 200
 * million of each.
 */
const deaths: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'two wait, one is notified, one dies',
    actors: [waits, waits, notifiesUncertain],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'two wait, one gives up and dies, one is notified',
    actors: [{ ...waits, mortal: false }, waitsFor, notifiesUncertain],
    deaths: 1,
    timeouts: 1,
    preemptions: [1, 2],
  },
];
export const conditionScenarios: readonly AnyScenario[] = [
  ...scenarios,
  closing,
  deep,
  ...deaths,
] as AnyScenario[];
