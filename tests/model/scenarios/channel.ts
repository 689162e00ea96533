/**
 * Channel: senders and receivers wait for each other at a gate, and senders for the lock among
 * them. The ring is a count of items here; it has scenarios of its own.
 */

import type { Lock } from 'lockstep';
import { add, cas, load } from '../atomics.ts';
import type { Words } from '../internals.ts';
import { cellWord } from '../internals.ts';
import type { Library } from '../library.ts';
import type { Actor, AnyScenario, Scenario, Share, Tools } from '../scenario.ts';
import { aLock, cellOf } from './objects.ts';

interface Things {
  /** The lock to put. */
  lock: Lock;
  /** Its cell serves as the takers' gate. */
  gate: Lock;
  words: Words;
}

/** A word of the control segment that no cell of a scenario needs: items that may be taken. */
const ITEMS: number = cellWord(800);

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things(share: Share, lib: Library) {
    const [lock, gate] = [aLock(share, lib), aLock(share, lib)];
    return { lock, gate, words: cellOf(lock).agent.namespace.words };
  },
  settled({ things: { lock, words }, waiting, dead, check }) {
    check(!lock.locked, 'the lock to put is still held');
    check(waiting.length === 0 || load(words, ITEMS) === 0, 'somebody waits, and there is an item');
    check(dead.length > 0 || load(words, ITEMS) === 0, 'an item is left');
  },
};

/** Puts one item with the lock, and announces it when the lock is free again. */
function putWith({ lib, things: { lock, gate, words } }: Tools<Things>) {
  const raw = lib.RawLock.of(cellOf(lock));
  const put = (): void => {
    add(words, ITEMS, 1);
    if (!raw.release(raw.cell)) raw.free();
    new lib.Gate(cellOf(gate)).announce();
  };
  return { raw, put, locked: new lib.LockedPut(raw, { title: 'queue', ring: { puts: 0 } }, put) };
}

const puts = (count: number): Actor<Things> => ({
  run(tools) {
    for (let n = 0; n < count; n++) {
      const { raw, put, locked } = putWith(tools);
      if (raw.tryTake()) put();
      else tools.lib.takeBlocking(raw.cell, locked, tools.lib.Deadline.NEVER);
    }
  },
});

const putsAwaiting: Actor<Things> = {
  async run(tools) {
    const { raw, put, locked } = putWith(tools);
    if (raw.tryTake()) put();
    else await tools.lib.takeAwaiting(raw.cell, locked, tools.lib.Deadline.NEVER, tools.things.lock);
  },
};

function gateOf({ lib, things: { gate, words } }: Tools<Things>) {
  const ready = (): boolean => load(words, ITEMS) > 0;
  const act = (): boolean => {
    for (;;) {
      const items = load(words, ITEMS);
      if (items === 0) return false;
      if (cas(words, ITEMS, items, items - 1) === items) return true;
    }
  };
  return { cell: cellOf(gate), act, wait: new lib.Gate(cellOf(gate)).waitFor(act, ready) };
}

const takes = (count: number): Actor<Things> => ({
  run(tools) {
    for (let n = 0; n < count; n++) {
      const { cell, act, wait } = gateOf(tools);
      if (!act()) tools.lib.takeBlocking(cell, wait, tools.lib.Deadline.NEVER);
    }
  },
});

const takesFor: Actor<Things> = {
  timed: true,
  run(tools) {
    const { cell, act, wait } = gateOf(tools);
    if (!act()) tools.lib.takeBlocking(cell, wait, tools.lib.Deadline.from({ timeout: 100 }));
  },
};

const takesAwaiting: Actor<Things> = {
  async run(tools) {
    const { cell, act, wait } = gateOf(tools);
    if (!act()) await tools.lib.takeAwaiting(cell, wait, tools.lib.Deadline.NEVER, tools.things.gate);
  },
};

const scenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'three put, one takes',
    actors: [puts(1), puts(1), puts(1), takes(3)],
    preemptions: [1, 3],
  },
  {
    ...base,
    name: 'two put twice each, two take',
    actors: [puts(2), puts(2), takes(2), takes(2)],
    preemptions: [1, 2],
  },
  { ...base, name: 'one puts, two take', actors: [puts(3), takes(1), takes(2)], preemptions: [2, 4] },
  {
    ...base,
    name: 'two put, one awaiting, two take, one awaiting',
    actors: [puts(1), putsAwaiting, takes(1), takesAwaiting],
    preemptions: [2, 2],
  },
  {
    ...base,
    name: 'one puts, two take, one gives up',
    actors: [puts(2), takes(1), takesFor],
    timeouts: 1,
    preemptions: [2, 3],
    settled: ({ things: { words }, waiting, check }) =>
      check(waiting.length === 0 || load(words, ITEMS) === 0, 'somebody waits, and there is an item'),
  },
  {
    ...base,
    name: 'two put, one takes, one dies',
    actors: [puts(1), puts(1), takes(2)],
    deaths: 1,
    preemptions: [1, 3],
    mayWait: ({ things: { words }, waiting }) =>
      load(words, ITEMS) === 0 && waiting.every((actor) => actor === 2),
  },
  {
    ...base,
    name: 'one puts, two take, one dies',
    actors: [puts(2), takes(1), takes(1)],
    deaths: 1,
    preemptions: [1, 2],
    mayWait: ({ things: { words }, waiting }) => load(words, ITEMS) === 0 && !waiting.includes(0),
  },
];

export const channelScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
