/**
 * Streams of a pool: a worker that is out of credit falls asleep while the pool gives credit, or
 * stops it. `StreamRun`, `StreamWork`, `giveUp`, `Reading`, the bell of the worker, table, rings
 * and gate are the library's own. Codec, slots and promises are left out. Actor 0 is the pool.
 */

import type { Lock } from 'lockstep';
import { load, store } from '../atomics.ts';
import type { Cell, Ring, TaskTable, Words } from '../internals.ts';
import { cellWord } from '../internals.ts';
import type { Library } from '../library.ts';
import type { Actor, AnyScenario, Scenario, Share, Tools } from '../scenario.ts';
import { aLock } from './objects.ts';

interface Things {
  words: Words;
  table: TaskTable;
  /** Its cell serves as the gate at which the pool waits for values. */
  gate: Lock;
  /** At its cell sleeps the worker. */
  bed: Lock;
  values: Ring;
}

const WORKER = 1;
const SLOT = 0;
const AHEAD = 2;
/** Words of the control segment that no cell of a scenario needs. */
const AT: number = cellWord(800);
const RING_AT: number = cellWord(850);
const CAPACITY = 128;
const ITEM_BYTES = 4;
const VALUE = 1;
const END = 2;

// Ghosts: values that were put, and that were read; whether the generator was closed.
const PUT = 0;
const READ = 1;
const CLOSED = 2;

function things(share: Share, lib: Library): Things {
  const [gate, bed] = [aLock(share, lib), aLock(share, lib)];
  const { words } = cellOf(gate).agent.namespace;
  share(
    () => {
      lib.TaskTable.init(words, WORKER, { slots: 1, functionBytes: 0 }, AT);
      // The worker has begun the task.
      const table = new lib.TaskTable(words, AT);
      table.queue(SLOT, 0, AHEAD);
      table.claim(SLOT, 0, WORKER);
      const header = new Int32Array(lib.Ring.header(CAPACITY, 0, 0).buffer as ArrayBuffer);
      header.forEach((word, index) => {
        if (word !== 0) store(words, RING_AT + index, word);
      });
      return aLock((make) => make(), lib);
    },
    (handle) => lib.Lock.open(handle),
  );
  return {
    words,
    table: new lib.TaskTable(words, AT),
    gate,
    bed,
    values: new lib.Ring(words, RING_AT, 'ring'),
  };
}

function cellOf(lock: Lock): Cell {
  return Reflect.get(lock, 'cell') as Cell;
}

/** The worker of a generator that gives so many values. */
const gives = (count: number): Actor<Things> => ({
  async run(tools) {
    const { lib, note, check, things } = tools;
    const { words, table, values, gate, bed } = things;
    const put = (kind: number): void => {
      const { from } = values.roomFor(ITEM_BYTES);
      store(words, from >> 2, kind);
      values.commit(from, ITEM_BYTES, 0, false, false);
      new lib.Gate(cellOf(gate)).announce();
    };
    const putValue = (): undefined => {
      note((ghosts) => {
        ghosts[PUT]!++;
        check(ghosts[PUT]! - ghosts[READ]! <= AHEAD, 'the generator is too far ahead');
      });
      put(VALUE);
    };
    const work = new lib.StreamWork(table, { putValue } as never, SLOT);
    // The bell of the worker.
    const worker = Object.assign(Object.create(lib.PoolWorker.prototype) as object, {
      me: WORKER,
      table,
      runner: { look: () => work.look() },
      bed: cellOf(bed),
      ended: false,
    }) as unknown as { ended: boolean; wait: object; listen(): void; rung(): boolean };
    const calls = { abandon() {}, taken() {}, suspect: () => 0 };
    worker.wait = { tryTake: () => false, peek: () => false, attempt: () => worker.rung(), ...calls };
    worker.listen();
    function* generator(): Generator<number> {
      try {
        for (let n = 0; n < count; n++) yield n;
      } finally {
        note((ghosts) => {
          ghosts[CLOSED] = 1;
        });
      }
    }
    await work.run(generator(), () => undefined);
    put(END);
    table.finish(SLOT, 0, WORKER);
    worker.ended = true;
    cellOf(bed).dispatch(false);
  },
});

/** The pool reads all values, or stops the stream after so many. */
const reads = (most: number): Actor<Things> => ({
  mortal: false,
  run(tools) {
    const { lib, note, things } = tools;
    const { table, values, gate, bed } = things;
    let read = 0;
    let isEnded = false;
    let ended = (): void => {};
    const more: { credit: number; onValue: (value: unknown) => void } = { credit: 0, onValue() {} };
    const task = { slot: SLOT, fn: { name: 'generator' }, needMore: () => more, resolve: () => {} };
    const takeFrom = (): boolean => {
      const kind = take(tools);
      if (kind === undefined) return false;
      if (kind === VALUE) more.onValue(undefined);
      else {
        isEnded = true;
        task.resolve();
        ended();
      }
      return true;
    };
    const reading = new lib.Reading(
      new lib.Gate(cellOf(gate)),
      { inFlight: 1, mean: 0, waking: { isOwed: false, makeSure() {} }, resize() {}, fill() {} } as never,
      {
        get idle() {
          return isEnded;
        },
        takeFrom,
      } as never,
      {
        alarms: { any: false, ringDue() {} },
        members: [undefined, { index: WORKER, alive: true, channel: { ring: values } }],
        moved() {},
        look() {},
        broken(error: unknown) {
          throw error;
        },
      } as never,
    );
    const slots = { runnerOf: () => WORKER, generationOf: () => 0 };
    const member = { wake: () => void lib.wakeOldest(cellOf(bed).agent, cellOf(bed)) };
    const host = {
      engine: { handOut: { table, slots, withdraw: () => false }, reading, rest() {} },
      members: [undefined, member],
      grace: Number.POSITIVE_INFINITY,
    };
    const target = {
      room: (granted: number) => AHEAD - (granted - read),
      item: () => {
        read++;
        note((ghosts) => {
          ghosts[READ]!++;
        });
        // The reader continues in a microtask of its own.
        queueMicrotask(() => (read < most ? run.pump() : run.stop(() => 'enough')));
      },
      ended() {},
    };
    const run = new lib.StreamRun(host as never, task as never, target as never, AHEAD);
    return new Promise<void>((resolve) => {
      ended = () => {
        reading.rested();
        resolve();
      };
      reading.expect();
    });
  },
});

function take({ things: { words, values } }: Tools<Things>): number | undefined {
  const found = values.find();
  if (found === undefined) return undefined;
  const kind = load(words, found.from >> 2);
  return values.take(found.head, found.next) ? kind : undefined;
}

const VALUES = 4;

const scenarios: readonly Scenario<Things>[] = [
  {
    things,
    name: 'all values are read, and the worker runs out of credit',
    actors: [reads(Number.POSITIVE_INFINITY), gives(VALUES)],
    preemptions: [1, 3],
    settled({ ghosts, check }) {
      check(ghosts[READ] === VALUES, `${ghosts[READ]} values were read`);
      check(ghosts[CLOSED] === 1, 'the generator was not closed');
    },
  },
  {
    things,
    name: 'a stream is stopped, and its worker runs out of credit',
    actors: [reads(1), gives(VALUES)],
    preemptions: [1, 3],
    settled({ ghosts, check }) {
      check(ghosts[CLOSED] === 1, 'the generator was not closed');
    },
  },
];

export const poolStreamScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
