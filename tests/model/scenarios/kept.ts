/**
 * Kept: the agent that takes an item can open the object that the item names. The object ends when
 * nobody has it and no item names it.
 */

import type { Lock } from 'lockstep';
import { load } from '../atomics.ts';
import type { Cell, Kind, Named, Namespace, Ring, RingOfKind } from '../internals.ts';
import { CELL_GENERATION, CELL_HEADER, cellWord, PHASE_LIVE, phaseOf } from '../internals.ts';
import type { Library } from '../library.ts';
import type { Actor, AnyScenario, Scenario, Share, Tools } from '../scenario.ts';
import { aLock, cellOf } from './objects.ts';
import { layRing } from './rings.ts';

interface Things {
  /** The lock to put. */
  lock: Lock;
  ring: Ring;
  /** The cell in whose ring the items are. */
  queue: Cell | undefined;
}

/** Words of the control segment that no cell of a scenario needs. */
const AT: number = cellWord(800);
const CAPACITY = 64;

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things: (share, lib) => things(share, lib),
  settled({ things: { lock, ring, queue }, agent, namespace, lib, check }) {
    for (let found = ring.find(); found !== undefined && queue !== undefined; found = ring.find()) {
      const { head, next, from, length } = found;
      const names = lib.readNames(ring, from, length)?.names ?? [];
      const objects = names.map(({ number, generation }) => agent.open(objectKind(lib), number, generation));
      check(names.length === 1 && objects[0] !== undefined, 'an item is left whose object is gone');
      lib.takeNaming(agent, names, () => ring.take(head, next));
      for (const object of objects) if (object !== undefined) agent.closeCell(object);
    }
    const known = [cellOf(lock).number, queue?.number];
    for (let cell = 1; cell <= namespace.arena.bump; cell++) {
      const { words, at } = namespace.arena.place(cell);
      const left = phaseOf(load(words, at + CELL_HEADER)) !== 0 && !known.includes(cell);
      check(!left, `cell ${cell} is not free though nobody has it open, and no item names it`);
    }
  },
};

function things(share: Share, lib: Library): Things {
  const ring: RingOfKind = {
    empty: (namespace, _place, begin) => lib.emptyRing(ringOf(lib, namespace), begin),
    names: (namespace) => lib.namesInRing(ringOf(lib, namespace)),
  };
  const queueKind: Kind = { ...lib.kindNamed('SimpleQueue')!, ring };
  lib.listKinds(lib.KINDS.map((kind) => (kind.name === queueKind.name ? queueKind : kind)));
  const lock = share(
    () => {
      const made = aLock((make) => make(), lib);
      const { agent } = cellOf(made);
      agent.create(queueKind, () => {});
      layRing(lib, agent.namespace.words, AT, CAPACITY);
      return made;
    },
    (handle) => lib.Lock.open(handle),
  );
  const { agent, number } = cellOf(lock);
  // The cell after the lock's, of which it is the first object.
  return { lock, queue: agent.open(queueKind, number + 1, 1), ring: ringOf(lib, agent.namespace) };
}

/** Of the objects that items name. */
function objectKind(lib: Library): Kind {
  return lib.kindNamed('Event')!;
}

function ringOf(lib: Library, { words }: Namespace): Ring {
  return new lib.Ring(words, AT, 'ring');
}

/** Makes `count` objects, one after the other, puts each in an item and closes it. */
const puts = (count: number): Actor<Things> => ({
  run(tools) {
    const {
      agent,
      lib,
      things: { lock, ring },
    } = tools;
    for (let n = 0; n < count; n++) {
      const object = agent.create(objectKind(lib), () => {});
      const names: Named[] = [{ number: object.number, generation: object.generation }];
      const length = lib.lengthWithNames(0, names.length);
      const hold = lock.acquireSync();
      if (ring.fits(length)) {
        const { from } = ring.roomFor(length);
        lib.writeNames(ring, from, 0, names);
        lib.putNaming(agent, names, () => ring.commit(from, length, 0, false, true));
      }
      hold.release();
      agent.closeCell(object);
    }
  },
});

/**
 * Looks `times` times for an item, opens what it names, takes it if nobody else is faster, and
 * closes that.
 */
const takes = (times: number): Actor<Things> => ({
  run(tools) {
    for (let time = 0; time < times; time++) take(tools);
  },
});

function take({ agent, lib, things: { ring }, check, pause }: Tools<Things>): void {
  const found = ring.find();
  if (found === undefined) return;
  const { head, next, from, length } = found;
  const names = lib.readNames(ring, from, length)?.names ?? [];
  const [named] = names;
  const object =
    named === undefined ? undefined : agent.open(objectKind(lib), named.number, named.generation);
  const taken = lib.takeNaming(agent, names, () => ring.take(head, next));
  check(!taken || object !== undefined, 'an item was taken whose object is gone');
  if (object === undefined) return;
  if (taken) {
    pause();
    const { words, at, generation } = object;
    check(phaseOf(load(words, at + CELL_HEADER)) >= PHASE_LIVE, 'a taken object was freed');
    check(load(words, at + CELL_GENERATION) === generation, 'a taken object was replaced');
  }
  agent.closeCell(object);
}

/** Puts, and leaves the queue with what is in it. */
const putsAndLeaves: Actor<Things> = {
  run(tools) {
    void puts(1).run(tools);
    void leaves.run(tools);
  },
};

const leaves: Actor<Things> = {
  run({ agent, things: { queue } }) {
    if (queue !== undefined) agent.closeCell(queue);
  },
};

const scenarios: readonly Scenario<Things>[] = [
  { ...base, name: 'one puts, one takes', actors: [puts(1), takes(2)], preemptions: [4, 5] },
  { ...base, name: 'one puts two, two take', actors: [puts(2), takes(1), takes(1)], preemptions: [2, 3] },
  {
    ...base,
    name: 'one puts, one takes, one dies',
    actors: [puts(1), takes(1)],
    deaths: 1,
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'one puts, one takes, two die',
    actors: [puts(1), takes(1)],
    deaths: 2,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'one puts and leaves the queue, another leaves it',
    actors: [putsAndLeaves, leaves],
    preemptions: [4, 5],
  },
  {
    ...base,
    name: 'one puts and leaves the queue, another leaves it, one dies',
    actors: [putsAndLeaves, leaves],
    deaths: 1,
    preemptions: [2, 3],
  },
];

export const keptScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
