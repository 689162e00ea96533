/**
 * Ring: each item is taken once, whole, in order. Whichever actor dies, an item is wholly there or
 * not at all.
 */

import type { Lock } from 'lockstep';
import { load, store } from '../atomics.ts';
import type { Ring, Words } from '../internals.ts';
import { cellWord } from '../internals.ts';
import type { Library } from '../library.ts';
import type { Actor, AnyScenario, Scenario, Tools } from '../scenario.ts';
import { NAMESPACE } from '../world.ts';
import { cellOf } from './objects.ts';
import { layRing } from './rings.ts';

interface Things {
  /** The lock to put. */
  lock: Lock;
  ring: Ring;
  words: Words;
}

/** Words of the control segment that no cell of a scenario needs. */
const AT: number = cellWord(800);
/** Eight units. An item takes three: so the third of a lap does not fit before the end. */
const CAPACITY = 64;
const PAYLOAD_BYTES = 16;
const PAYLOAD_WORDS = 4;
const DONE_WORD = 48;
/**
 * Items reported done are one less than those put, none as yet: one was taken before, and is not
 * done.
 */
const DONE_BEFORE = 0x7fffffff;

const HEAD_WORD = 16;
const PUTS_WORD = 32;
const END_WORD = 33;
/** Units before positions wrap: less than the ring has. */
const LAST_UNITS = 4;
/** Even, as the words of the end are written by turns. */
const LAST_NUMBER = 0x7ffffffe;

/**
 * An empty ring after much traffic: where it goes on lies what looks like an item of an earlier
 * lap.
 */
function nearEnd({ words }: Things): void {
  const position = 0x7fffffff + 1 - LAST_UNITS;
  for (const word of [HEAD_WORD, END_WORD, END_WORD + 1]) store(words, AT + word, position);
  store(words, AT + PUTS_WORD, LAST_NUMBER);
  store(words, AT + DONE_WORD, LAST_NUMBER - 1);
}

/** By item, from 1 on: 1 put, 2 taken. */
const ITEMS = 0;
const MOST_ITEMS = 12;
/** By producer: the last of its items that was taken. */
const LAST = 16;

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things: (share, lib) => things(share, lib),
  settled({ things: { ring, words }, ghosts, check, dead }) {
    for (let found = ring.find(); found !== undefined; found = ring.find()) {
      const item = load(words, found.from >> 2);
      check(
        isWhole(words, found.from) && ghosts[ITEMS + item] === 1,
        `item ${item} is left, and was not put`,
      );
      check(ring.take(found.head, found.next), 'nobody else takes, and it was not taken');
      ghosts[ITEMS + item] = 2;
    }
    const left = ghosts.subarray(ITEMS, ITEMS + MOST_ITEMS).filter((state) => state === 1).length;
    check(left <= dead.length, 'an item was put, and is gone');
  },
};

function things(share: Parameters<Scenario<Things>['things']>[0], lib: Library): Things {
  const options = { namespace: NAMESPACE };
  const lock = share(
    () => {
      const made = new lib.Lock(options);
      layRing(lib, wordsOf(made), AT, CAPACITY, (header) => {
        header[DONE_WORD] = DONE_BEFORE;
      });
      return made;
    },
    (handle) => lib.Lock.open(handle),
  );
  const words = wordsOf(lock);
  return { lock, words, ring: new lib.Ring(words, AT, 'ring') };
}

function wordsOf(lock: Lock): Words {
  return cellOf(lock).agent.namespace.words;
}

/** Puts `count` items, if there is room. */
const puts = (count: number): Actor<Things> => ({
  run(tools) {
    for (let n = 1; n <= count; n++) put(tools, n);
  },
});

function put({ me, things: { lock, ring, words }, note }: Tools<Things>, n: number): void {
  const item = me * 4 + n;
  const hold = lock.acquireSync();
  if (ring.fits(PAYLOAD_BYTES)) {
    const { from } = ring.roomFor(PAYLOAD_BYTES);
    for (let word = 0; word < PAYLOAD_WORDS; word++) store(words, (from >> 2) + word, item);
    ring.commit(from, PAYLOAD_BYTES, 0, false, false);
    note((ghosts) => {
      ghosts[ITEMS + item] = 1;
    });
  }
  hold.release();
}

/** Looks `times` times for an item, and takes it if nobody else is faster. */
const takes = (times: number): Actor<Things> => ({
  run(tools) {
    for (let time = 0; time < times; time++) take(tools);
  },
});

function take({ things: { ring, words }, note, check }: Tools<Things>): void {
  const found = ring.find();
  if (found === undefined) return;
  const { head, next, from } = found;
  const item = load(words, from >> 2);
  const whole = isWhole(words, from);
  if (!ring.take(head, next)) return;
  note((ghosts) => {
    check(whole, `item ${item} was taken in pieces`);
    check(ghosts[ITEMS + item] === 1, `item ${item} was taken, and is not there`);
    ghosts[ITEMS + item] = 2;
    const producer = LAST + Math.floor((item - 1) / 4);
    check(ghosts[producer]! < item, `item ${item} was taken out of order`);
    ghosts[producer] = item;
  });
}

/**
 * Has taken an item, puts what follows from it, and only then reports it done: so one is always
 * left.
 */
const putsThenFinishes: Actor<Things> = {
  run(tools) {
    put(tools, 1);
    tools.things.ring.finish();
  },
};

const joins: Actor<Things> = {
  run({ things: { ring }, note, check }) {
    for (let time = 0; time < 2; time++) {
      const { unfinished } = ring;
      note(() => check(unfinished !== 0, 'nothing is unfinished, though something always was'));
    }
  },
};

/** Asks for room without the lock to put, as a caller does that waits for room. */
const asks = (times: number): Actor<Things> => ({
  run({ things: { ring }, check }) {
    for (let time = 0; time < times; time++) {
      ring.fits(PAYLOAD_BYTES);
      const { size } = ring;
      check(size <= CAPACITY / 8, `${size} items are more than the ring holds`);
    }
  },
});

function isWhole(words: Words, from: number): boolean {
  const first = load(words, from >> 2);
  for (let word = 1; word < PAYLOAD_WORDS; word++)
    if (load(words, (from >> 2) + word) !== first) return false;
  return true;
}

const scenarios: readonly Scenario<Things>[] = [
  { ...base, name: 'one puts, one takes, three each', actors: [puts(3), takes(3)], preemptions: [3, 4] },
  {
    ...base,
    name: 'one puts, one takes, positions and numbers at their end',
    begin: nearEnd,
    actors: [puts(3), takes(3)],
    preemptions: [3, 4],
  },
  {
    ...base,
    name: 'two put, one takes, positions and numbers at their end',
    begin: nearEnd,
    actors: [puts(2), puts(2), takes(2)],
    preemptions: [1, 2],
  },
  { ...base, name: 'one puts, two take', actors: [puts(3), takes(2), takes(2)], preemptions: [2, 3] },
  { ...base, name: 'two put, one takes', actors: [puts(2), puts(2), takes(2)], preemptions: [2, 3] },
  {
    ...base,
    name: 'one puts what follows and reports the first done, one joins',
    actors: [putsThenFinishes, joins],
    preemptions: [3, 4],
  },
  {
    ...base,
    name: 'one puts, one takes, one asks for room without the lock',
    actors: [puts(2), takes(2), asks(1)],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'one puts, one takes, one asks for room without the lock, positions at their end',
    begin: nearEnd,
    actors: [puts(2), takes(2), asks(1)],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'one puts, one takes, one dies',
    actors: [puts(3), takes(3)],
    deaths: 1,
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'two put, one takes, one dies',
    actors: [puts(2), puts(1), takes(2)],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'one puts, two take, one dies',
    actors: [puts(2), takes(2), takes(1)],
    deaths: 1,
    preemptions: [2, 2],
  },
];

export const ringScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
