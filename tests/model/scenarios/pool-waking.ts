/**
 * Waking of workers: a task is put while workers fall asleep or die, and the pool wakes up one only
 * if none that is awake takes the task. `Waking`, `Reading`, `WorkerWords`, the loop and the sleep
 * of the worker, rings and gate are the library's own. Codec, slots and promises are left out.
 * Actor 0 is the pool. A poll is one look.
 */

import type { Lock } from 'lockstep';
import type { Ring, TaskTable, Words } from '../internals.ts';
import { cellWord } from '../internals.ts';
import type { Library } from '../library.ts';
import type { Actor, AnyScenario, Ending, Scenario, Share, Tools } from '../scenario.ts';
import { aLock, cellOf } from './objects.ts';
import { layRings, putWords, ringsAt, takeWords } from './rings.ts';

interface Things {
  words: Words;
  table: TaskTable;
  /** Its cell serves as the gate at which the pool waits for results. */
  gate: Lock;
  /** At their cells sleep the workers. */
  beds: Lock[];
  tasks: Ring;
  /** By worker. */
  results: Ring[];
}

interface Member {
  readonly index: number;
  readonly alive: true;
  readonly canTake: true;
  readonly stopping: false;
  readonly channel: { readonly ring: Ring };
  wake(): void;
}

const WORKERS = 2;
/** The worker that has run the last call where a scenario begins in the middle. */
const BOB = 1;
/** Words of the control segment that no cell of a scenario needs. */
const AT: number = cellWord(800);
const RINGS_AT: number = cellWord(850);
const CAPACITY = 128;
/** Nobody looks into an item. */
const ITEM_BYTES = 4;

// Ghosts, by worker: tasks that it has taken, and that it has ended; whether a wake-up is for it.
const TAKEN = 0;
const ENDED = 4;
const WOKEN = 8;

function things(share: Share, lib: Library): Things {
  const gate = aLock(share, lib);
  const beds = Array.from({ length: WORKERS }, () => aLock(share, lib));
  const { words } = cellOf(gate).agent.namespace;
  share(
    () => {
      lib.TaskTable.init(words, WORKERS, { slots: 1, functionBytes: 0 }, AT);
      layRings(lib, words, RINGS_AT, WORKERS + 1, CAPACITY);
      return aLock((make) => make(), lib);
    },
    (handle) => lib.Lock.open(handle),
  );
  const [tasks, ...results] = ringsAt(lib, words, RINGS_AT, WORKERS + 1);
  return { words, table: new lib.TaskTable(words, AT), gate, beds, tasks: tasks!, results };
}

const grow = ({ note }: Tools<Things>, ghost: number): void =>
  note((ghosts) => {
    ghosts[ghost]!++;
  });

/** A worker, from its first sleep on: all but its constructor is the library's. */
const works: Actor<Things> = {
  async run(tools) {
    const { lib, me, note, things } = tools;
    const { words, table, tasks, results, gate, beds } = things;
    const runner = {
      active: 0,
      count: 0,
      look() {},
      begin(): void {
        runner.count++;
        putWords(words, results[me - 1]!, [], ITEM_BYTES);
        new lib.Gate(cellOf(gate)).announce();
        grow(tools, ENDED + me);
      },
    };
    const intake = {
      get isEmpty() {
        return tasks.empty;
      },
      take(): object | undefined {
        if (takeWords(words, tasks, 0) === undefined) return undefined;
        note((ghosts) => {
          ghosts[TAKEN + me]!++;
          ghosts[WOKEN + me] = 0;
        });
        return {};
      },
    };
    const worker = Object.assign(Object.create(lib.PoolWorker.prototype) as object, {
      me,
      table,
      intake,
      runner,
      bed: cellOf(beds[me - 1]!),
      orders: { concurrency: 1, mostTasks: 0 },
      polling: { mayPoll: () => false, slept() {} },
      ranBefore: 0,
    }) as unknown as {
      work(): Promise<void>;
      listen(): void;
      wait: object;
      hasWork(): boolean;
      rung(): boolean;
    };
    const hasWork = (): boolean => worker.hasWork();
    const calls = { abandon() {}, taken() {}, suspect: () => 0 };
    worker.wait = { tryTake: hasWork, peek: hasWork, attempt: () => worker.rung(), ...calls };
    worker.listen();
    await worker.work();
  },
};

/** The pool's side of calls: as `Engine.submit` does. */
class PoolSide {
  readonly reading: InstanceType<Library['Reading']>;
  pending = 0;
  private readonly waking: InstanceType<Library['Waking']>;
  private readonly members: readonly (Member | undefined)[];
  private readonly tools: Tools<Things>;
  private resolve = (): void => {};

  /** @param polls whether it polls for the result of a call alone */
  constructor(tools: Tools<Things>, polls: boolean) {
    const { lib, things } = tools;
    this.tools = tools;
    const members = [undefined, ...things.results.map((ring, index) => this.member(ring, index + 1))];
    this.waking = new lib.Waking(things.table.workers, things.tasks, members as never, 1);
    const side = this;
    this.reading = new lib.Reading(
      new lib.Gate(cellOf(things.gate)),
      {
        get inFlight() {
          return side.pending;
        },
        mean: 1,
        waking: this.waking,
        resize() {},
        fill() {},
      } as never,
      {
        get idle() {
          return side.pending === 0;
        },
        takeFrom: (member: Member) => this.takeFrom(member),
      } as never,
      {
        alarms: { any: false, ringDue() {} },
        members,
        moved() {},
        look() {},
        broken(error: unknown) {
          throw error;
        },
      } as never,
    );
    const poll = (): boolean => this.reading.hasResults();
    const { listening } = this.reading;
    Reflect.set(listening, 'polling', { mayPoll: () => polls, poll, slept() {} });
    // The first poll comes after a turn of the event loop.
    Reflect.set(listening, 'polledSince', Number.NEGATIVE_INFINITY);
    this.members = members;
  }

  ranLast(index: number): void {
    this.waking.latest = this.members[index] as never;
  }

  private member(ring: Ring, index: number): Member {
    const { lib, note, things } = this.tools;
    const bed = cellOf(things.beds[index - 1]!);
    return {
      index,
      alive: true,
      canTake: true,
      stopping: false,
      channel: { ring },
      wake: () => {
        note((ghosts) => {
          ghosts[WOKEN + index] = 1;
        });
        lib.wakeOldest(bed.agent, bed);
      },
    };
  }

  private takeFrom(member: Member): boolean {
    if (takeWords(this.tools.things.words, member.channel.ring, 0) === undefined) return false;
    this.waking.latest = member as never;
    if (--this.pending === 0) {
      this.reading.rested();
      this.resolve();
    }
    return true;
  }

  submit(): void {
    const mayWait = this.reading.makesSure && this.pending === 0;
    const { words, tasks } = this.tools.things;
    putWords(words, tasks, [], ITEM_BYTES);
    this.waking.wake(mayWait);
    this.pending++;
    this.reading.expect();
  }

  /** Resolves when nothing is pending. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.resolve = resolve;
    });
  }
}

const pool = (
  body: (side: PoolSide, tools: Tools<Things>) => Promise<void>,
  polls = false,
): Actor<Things> => ({
  mortal: false,
  run: (tools) => body(new PoolSide(tools, polls), tools),
});

/** So many calls, each after the result of the one before. */
const calls = (count: number, polls = false): Actor<Things> =>
  pool(async (side) => {
    for (let n = 0; n < count; n++) {
      side.submit();
      await side.rest();
    }
  }, polls);

/** Calls at once. Bob has run the last one before, and is awake. */
const callsAfterBobs = (count: number): Actor<Things> =>
  pool(async (side) => {
    side.ranLast(BOB);
    for (let n = 0; n < count; n++) side.submit();
    await side.rest();
  });

/** A call, then another in a later turn of the event loop: the pool no longer listens, or does. */
const callLater: Actor<Things> = pool(async (side) => {
  side.submit();
  await side.rest();
  await new Promise(setImmediate);
  side.submit();
  await side.rest();
});

/** The pool blocks for a call that nobody awaits. Bob is awake, as before. */
const blocks: Actor<Things> = pool(async (side, { lib }) => {
  side.ranLast(BOB);
  side.submit();
  side.reading.block(() => side.pending === 0, lib.Deadline.NEVER);
});

const base: Pick<Scenario<Things>, 'things' | 'mayWait' | 'settled'> = {
  things,
  // Workers wait for more. The pool waits for what has died with a worker: a task, the bell of its
  // result, or a wake-up; its handler of deaths sees to these.
  mayWait: ({ waiting, dead, ghosts }: Ending<Things>) =>
    !waiting.includes(0) ||
    dead.some((worker) => ghosts[TAKEN + worker]! > ghosts[ENDED + worker]! || ghosts[WOKEN + worker] === 1),
  settled({ dead, things: { tasks }, check }) {
    check(dead.length > 0 || tasks.empty, 'a task was not taken');
  },
};

const immortal: Actor<Things> = { ...works, mortal: false };

const scenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'calls one after the other, and the worker falls asleep',
    actors: [calls(2), works],
    preemptions: [1, 3],
  },
  {
    ...base,
    name: 'the same, and the pool polls',
    actors: [calls(2, true), works],
    preemptions: [1, 3],
  },
  {
    ...base,
    name: 'a call in a later turn, and the worker falls asleep',
    actors: [callLater, works],
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'a call, and the worker that ran last dies',
    actors: [callsAfterBobs(1), works, immortal],
    deaths: 1,
    preemptions: [0, 1],
  },
  {
    ...base,
    name: 'two calls at once, and the worker that ran last dies',
    actors: [callsAfterBobs(2), works, immortal],
    deaths: 1,
    preemptions: [0, 1],
  },
  {
    ...base,
    name: 'a call that nobody awaits, the pool blocks, and the worker that ran last dies',
    actors: [blocks, works, immortal],
    deaths: 1,
    preemptions: [0, 1],
  },
];

export const poolWakingScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
