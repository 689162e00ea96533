/**
 * Rooms: a channel that has room for one item. A putter waits for room, a taker for an item, and
 * each makes what the other waits for. As in channel.ts, the ring is a count.
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
  items: Lock;
  /** Its cell serves as the putters' gate. */
  rooms: Lock;
  words: Words;
}

/** A word of the control segment that no cell of a scenario needs: items that may be taken. */
const ITEMS: number = cellWord(800);
const MOST = 1;

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things(share: Share, lib: Library) {
    const [lock, items, rooms] = [aLock(share, lib), aLock(share, lib), aLock(share, lib)];
    return { lock, items, rooms, words: cellOf(lock).agent.namespace.words };
  },
  settled({ things: { lock, words }, waiting, dead, check }) {
    check(!lock.locked, 'the lock to put is still held');
    check(waiting.length === 0, 'somebody waits, and nobody is in the way');
    check(dead.length > 0 || load(words, ITEMS) === 0, 'an item is left');
  },
};

/** The steps of a call of `put`, as in `Channel`. */
function putOf({ lib, things: { lock, items, rooms, words } }: Tools<Things>) {
  const raw = lib.RawLock.of(cellOf(lock));
  const put = () => {
    const isFull = load(words, ITEMS) >= MOST;
    if (!isFull) add(words, ITEMS, 1);
    if (!raw.release(raw.cell)) raw.free();
    if (isFull) return 'full';
    new lib.Gate(cellOf(items)).announce();
    return 'put';
  };
  return {
    raw,
    put,
    locked: () => new lib.LockedPut<'put' | 'full'>(raw, { title: 'queue', ring: { puts: 0 } }, put),
    roomWait: () =>
      lib.waitForRoom({
        rooms: new lib.Gate(cellOf(rooms)),
        lock: raw,
        fits: () => load(words, ITEMS) < MOST,
        gone: () => false,
        put,
        backsOff: 0,
      }),
  };
}

const puts = (count: number): Actor<Things> => ({
  run(tools) {
    const { lib, things } = tools;
    const { raw, put, locked, roomWait } = putOf(tools);
    for (let n = 0; n < count; ) {
      let done = raw.tryTake() ? put() : undefined;
      if (done === undefined) {
        const wait = locked();
        lib.takeBlocking(raw.cell, wait, lib.Deadline.NEVER);
        done = wait.outcome();
      }
      if (done === 'full') {
        const { wait, outcome } = roomWait();
        lib.takeBlocking(cellOf(things.rooms), wait, lib.Deadline.NEVER);
        done = outcome() ?? 'full';
      }
      if (done === 'put') n++;
    }
  },
});

const putsAwaiting: Actor<Things> = {
  async run(tools) {
    const { lib, things } = tools;
    const { raw, put, locked, roomWait } = putOf(tools);
    for (;;) {
      let done = raw.tryTake() ? put() : undefined;
      if (done === undefined) {
        const wait = locked();
        await lib.takeAwaiting(raw.cell, wait, lib.Deadline.NEVER, things.lock);
        done = wait.outcome();
      }
      if (done === 'put') return;
      const { wait, outcome } = roomWait();
      await lib.takeAwaiting(cellOf(things.rooms), wait, lib.Deadline.NEVER, things.rooms);
      if (outcome() === 'put') return;
    }
  },
};

const givesUp: Actor<Things> = {
  timed: true,
  run(tools) {
    const { lib, things } = tools;
    const { raw, put, roomWait } = putOf(tools);
    if (raw.tryTake() && put() === 'put') return;
    lib.takeBlocking(cellOf(things.rooms), roomWait().wait, lib.Deadline.from({ timeout: 100 }));
  },
};

const takes = (count: number): Actor<Things> => ({
  run({ lib, things: { items, rooms, words } }) {
    const act = (): boolean => {
      for (;;) {
        const there = load(words, ITEMS);
        if (there === 0) return false;
        if (cas(words, ITEMS, there, there - 1) !== there) continue;
        new lib.Gate(cellOf(rooms)).announce();
        return true;
      }
    };
    const ready = (): boolean => load(words, ITEMS) > 0;
    for (let n = 0; n < count; n++) {
      const wait = new lib.Gate(cellOf(items)).waitFor(act, ready);
      if (!act()) lib.takeBlocking(cellOf(items), wait, lib.Deadline.NEVER);
    }
  },
});

const scenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'three put where one has room, one takes',
    actors: [puts(1), puts(1), puts(1), takes(3)],
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'two put twice each where one has room, two take',
    actors: [puts(2), puts(2), takes(2), takes(2)],
    preemptions: [1, 2],
  },
  { ...base, name: 'one puts, one takes', actors: [puts(3), takes(3)], preemptions: [2, 4] },
  {
    ...base,
    name: 'two put where one has room, one awaiting, one takes',
    actors: [puts(2), putsAwaiting, takes(3)],
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'two put where one has room, one gives up, one takes',
    actors: [puts(2), givesUp, takes(2)],
    timeouts: 1,
    preemptions: [1, 2],
    settled: ({ things: { lock, words }, waiting, check }) => {
      check(!lock.locked, 'the lock to put is still held');
      check(waiting.length === 0, 'somebody waits, and nobody is in the way');
      check(load(words, ITEMS) <= MOST, 'more items than there is room for');
    },
  },
  {
    ...base,
    name: 'two put where one has room, one takes, one dies',
    actors: [puts(1), puts(2), takes(3)],
    deaths: 1,
    preemptions: [0, 2],
    settled: ({ things: { lock }, check }) => check(!lock.locked, 'the lock to put is still held'),
    // The last actor has nobody to take from, or nobody that takes.
    mayWait: ({ things: { words }, waiting }) =>
      waiting.every((actor) => load(words, ITEMS) === (actor === 2 ? 0 : MOST)),
  },
];

export const roomScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
