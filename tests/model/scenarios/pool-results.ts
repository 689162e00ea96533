/**
 * Pool results: workers put results into their rings, and the pool sleeps at one gate for all. The
 * worker's `Replies`, the pool's `Reading`, rings and gates are the library's own; codec, slots and
 * promises are left out. Actor 0 is the pool.
 */

import type { Lock } from 'lockstep';
import type { Ring, Words } from '../internals.ts';
import { cellWord } from '../internals.ts';
import type { Library } from '../library.ts';
import type { Actor, AnyScenario, Scenario, Share, Tools } from '../scenario.ts';
import { aLock, cellOf } from './objects.ts';
import { layRings, putWords, ringsAt, takeWords } from './rings.ts';

interface Things {
  words: Words;
  /** Its cell serves as the gate at which the pool waits for results. */
  gate: Lock;
  /** By worker: its lock to put, the gate of its putters, and its ring. */
  locks: Lock[];
  rooms: Lock[];
  rings: Ring[];
}

const WORKERS = 2;
/** Words of the control segment that no cell of a scenario needs. */
const RINGS_AT: number = cellWord(800);
/** Room for two items. */
const CAPACITY = 32;
const ITEM_BYTES = 4;
const LAST = 1;
const MORE = 2;

// Ghosts: how many results each worker has put, and how many the pool has read.
const PUT = 0;
const READ = 4;

function things(share: Share, lib: Library): Things {
  const each = (): Lock[] => Array.from({ length: WORKERS }, () => aLock(share, lib));
  const gate = aLock(share, lib);
  const [locks, rooms] = [each(), each()];
  const { words } = cellOf(gate).agent.namespace;
  share(
    () => {
      layRings(lib, words, RINGS_AT, WORKERS, CAPACITY);
      return aLock((make) => make(), lib);
    },
    (handle) => lib.Lock.open(handle),
  );
  const rings = ringsAt(lib, words, RINGS_AT, WORKERS);
  return { words, gate, locks, rooms, rings };
}

/** A worker that puts so many results: of calls, or of one chunk whose results ring at its end. */
const puts = (count: number, isLate: boolean): Actor<Things> => ({
  async run(tools) {
    const { lib, me, note, things } = tools;
    const replies = new lib.Replies(
      {
        title: 'pool',
        results: resultsOf(tools, me - 1),
        tasks: { channel: { joins: new lib.Gate(cellOf(things.gate)) } },
      } as never,
      () => 'fn',
    );
    for (let n = 1; n <= count; n++) {
      const going = replies.put([n === count ? LAST : MORE], isLate && n < count);
      if (going !== undefined) await going;
      note((ghosts) => {
        ghosts[PUT + me]!++;
      });
    }
  },
});

/** What `Replies` needs of a queue: one putter, who waits for room. */
function resultsOf({ lib, things: { words, locks, rooms, rings } }: Tools<Things>, worker: number) {
  const ring = rings[worker]!;
  const raw = lib.RawLock.of(cellOf(locks[worker]!));
  const gate = cellOf(rooms[worker]!);
  const write = (kind: number): 'put' | 'full' => {
    if (!ring.fits(ITEM_BYTES)) return 'full';
    putWords(words, ring, [kind]);
    return 'put';
  };
  return {
    channel: { putter: { putAtOnce: ([kind]: [number]) => write(kind) === 'put' } },
    async put([kind]: [number]): Promise<void> {
      if (write(kind) === 'put') return;
      const { wait } = lib.waitForRoom({
        rooms: new lib.Gate(gate),
        lock: raw,
        fits: () => ring.fits(ITEM_BYTES),
        gone: () => false,
        put: () => {
          const put = write(kind);
          if (!raw.release(raw.cell)) raw.free();
          return put;
        },
        backsOff: 0,
      });
      await lib.takeAwaiting(gate, wait, lib.Deadline.NEVER, locks[worker]!);
    },
  };
}

/** The pool: `expect` waits at the gate while its event loop turns, `block` without. */
const reads = (workers: number, how: 'await' | 'block'): Actor<Things> => ({
  mortal: false,
  run(tools) {
    const { lib, note, things } = tools;
    let pending = workers;
    let ended = (): void => {};
    const reading = new lib.Reading(
      new lib.Gate(cellOf(things.gate)),
      {
        inFlight: workers,
        mean: 0,
        // The workers of these scenarios are awake: pool-waking.ts is about their sleep.
        waking: { isOwed: false, makeSure() {} },
        resize() {},
        fill() {},
      } as never,
      {
        get idle() {
          return pending === 0;
        },
        takeFrom({ index }: { index: number }): boolean {
          const kind = takeFrom(tools, index - 1);
          if (kind === undefined) return false;
          note((ghosts) => {
            ghosts[READ + index]!++;
          });
          if (kind === LAST && --pending === 0) ended();
          return true;
        },
      } as never,
      {
        alarms: { any: false, ringDue() {} },
        members: [undefined, ...membersOf(things, workers)],
        moved() {},
        look() {},
        broken(error: unknown) {
          throw error;
        },
      } as never,
    );
    if (how === 'block') {
      reading.block(() => pending === 0, lib.Deadline.NEVER);
      return undefined;
    }
    return new Promise<void>((resolve) => {
      ended = () => {
        reading.rested();
        resolve();
      };
      reading.expect();
    });
  },
});

function membersOf({ rings }: Things, workers: number): object[] {
  return rings.slice(0, workers).map((ring, index) => ({ index: index + 1, alive: true, channel: { ring } }));
}

function takeFrom({ lib, things: { words, rings, rooms } }: Tools<Things>, worker: number) {
  const item = takeWords(words, rings[worker]!, 1);
  if (item === undefined) return undefined;
  new lib.Gate(cellOf(rooms[worker]!)).announce();
  return item[0];
}

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things,
  settled({ ghosts, dead, check }) {
    for (let worker = 1; worker <= WORKERS; worker++)
      check(dead.length > 0 || ghosts[PUT + worker] === ghosts[READ + worker], 'a result was not read');
  },
};

const scenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'two workers put results, the pool awaits them',
    actors: [reads(2, 'await'), puts(1, false), puts(1, false)],
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'two workers put results, the pool blocks',
    actors: [reads(2, 'block'), puts(1, false), puts(2, false)],
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'late results fill a ring, the pool awaits them',
    actors: [reads(1, 'await'), puts(4, true)],
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'late results fill a ring, the pool blocks',
    actors: [reads(1, 'block'), puts(4, true)],
    preemptions: [1, 2],
  },
];

export const poolResultScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
