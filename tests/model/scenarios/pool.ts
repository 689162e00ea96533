/**
 * Pool: each task has one outcome and each attempt starts at most once, whichever actor dies. Actor
 * 0 is the pool, the others are its workers. The table, the slots and the rings are the library's
 * own. The pool and its workers use them as `pool/hand-out.ts`, `deaths.ts` and `worker.ts` do,
 * without codec and event loop.
 */

import type { Lock } from 'lockstep';
import { load, store } from '../atomics.ts';
import type { Cell, PoolSlots, Ring, TaskTable, Words } from '../internals.ts';
import { cellWord } from '../internals.ts';
import type { Library } from '../library.ts';
import type { Actor, AnyScenario, Ending, Scenario, Tools } from '../scenario.ts';
import type { State } from '../state.ts';
import { aLock } from './objects.ts';

interface Things {
  words: Words;
  table: TaskTable;
  ring: Ring;
  /** The rings of results, by worker. */
  results: Ring[];
  /** The workers' own rings of tasks. */
  own: Ring[];
}

/** Words of the control segment that no cell of a scenario needs. */
const AT: number = cellWord(800);
const WORKERS = 3;
const SIZE = { slots: 3, functionBytes: 0 };
const RING_AT: number = cellWord(850);
const RING_WORDS: number = cellWord(810) - cellWord(800);
/** The pool's, and for each worker one of results and one of tasks. */
const RINGS: number = 1 + 2 * WORKERS;
const CAPACITY = 128;
/** Ticket, task and attempt. */
const ITEM_WORDS = 3;
const ITEM_BYTES: number = ITEM_WORDS * 4;

// Ghosts, by task.
/** Bit a: attempt a has started. */
const STARTED = 0;
/** The newest attempt, from 1 on. */
const ATTEMPT = 4;
const OUTCOME = 8;
/** By item of a chunk: how often it ran. */
const ITEMS = 12;
// Bits by actor.
const ENDED = 18;
const DOOMED = 19;
const ASLEEP = 20;
const WOKEN = 21;
/** Four bits an actor: 1 + the slot of which it has an item. */
const HOLDS = 22;

const RESULT = 1;
const LOST = 2;
const WITHDRAWN = 3;
const GIVEN_UP = 4;

/** An item as it was taken. */
interface Item {
  readonly ticket: number;
  readonly task: number;
  readonly attempt: number;
}

/** A task as the pool keeps it. */
interface Task {
  slot: number;
  readonly number: number;
  attempt: number;
  /** Items of a chunk; 0: it is a call. */
  readonly items: number;
  readonly first: number;
  /** The worker in whose own ring it is put; 0: the pool's ring. */
  own: number;
}

const GENERATION_BITS = 19;

function things(share: Parameters<Scenario<Things>['things']>[0], lib: Library): Things {
  const lock = share(
    () => {
      const made = aLock((make) => make(), lib);
      const words = wordsOf(made);
      lib.TaskTable.init(words, WORKERS, SIZE, AT);
      for (let ring = 0; ring < RINGS; ring++) {
        const header = new Int32Array(lib.Ring.header(CAPACITY, 0, 0).buffer as ArrayBuffer);
        header.forEach((word, index) => {
          if (word !== 0) store(words, RING_AT + ring * RING_WORDS + index, word);
        });
      }
      return made;
    },
    (handle) => lib.Lock.open(handle),
  );
  const words = wordsOf(lock);
  const rings = Array.from(
    { length: RINGS },
    (_, ring) => new lib.Ring(words, RING_AT + ring * RING_WORDS, 'ring'),
  );
  const table = new lib.TaskTable(words, AT);
  return { words, table, ring: rings[0]!, results: rings, own: rings.slice(WORKERS) };
}

function wordsOf(lock: Lock): Words {
  const cell: unknown = Reflect.get(lock, 'cell');
  return (cell as Cell).agent.namespace.words;
}

function put(words: Words, ring: Ring, { ticket, task, attempt }: Item): void {
  const { from } = ring.roomFor(ITEM_BYTES);
  [ticket, task, attempt].forEach((value, index) => void store(words, (from >> 2) + index, value));
  ring.commit(from, ITEM_BYTES, 0, false, false);
}

function take(words: Words, ring: Ring): Item | undefined {
  for (;;) {
    const found = ring.find();
    if (found === undefined) return undefined;
    const { head, next, from } = found;
    const [ticket = 0, task = 0, attempt = 0] = Array.from({ length: ITEM_WORDS }, (_, index) =>
      load(words, (from >> 2) + index),
    );
    if (ring.take(head, next)) return { ticket, task, attempt };
  }
}

const slotOf = (ticket: number): number => ticket >> GENERATION_BITS;
const generationOf = (ticket: number): number => ticket & (2 ** GENERATION_BITS - 1);
const has = (ghosts: State, word: number, actor: number): boolean => (ghosts[word]! & (1 << actor)) !== 0;

function holds(ghosts: State, actor: number, slot: number): void {
  ghosts[HOLDS] = (ghosts[HOLDS]! & ~(15 << (actor * 4))) | ((slot + 1) << (actor * 4));
}

// The worker's side.

/** Takes an item and runs its task. `none`: there is no item. `doomed`: it takes no other. */
function work(tools: Tools<Things>, me: number, hasOwn = false): 'none' | 'dropped' | 'ran' | 'doomed' {
  const { things, note, check, pause } = tools;
  const { words, table, ring, results, own } = things;
  const isOwn = hasOwn && table.workers.privateRing(me) !== undefined;
  const item = (isOwn ? take(words, own[me]!) : undefined) ?? take(words, ring);
  if (item === undefined) return 'none';
  const { ticket, task, attempt } = item;
  const slot = slotOf(ticket);
  note((ghosts) => holds(ghosts, me, slot));
  const claimed = table.claim(slot, generationOf(ticket), me);
  note((ghosts) => {
    holds(ghosts, me, -1);
    if (!claimed) return;
    check(!has(ghosts, DOOMED, me), `worker ${me} has begun a task, and was about to be killed`);
    check(!has(ghosts, STARTED + task, attempt), `attempt ${attempt} of task ${task} has started twice`);
    check(ghosts[ATTEMPT + task] === attempt, `attempt ${attempt} of task ${task} was taken back, and runs`);
    check(ghosts[OUTCOME + task] !== WITHDRAWN, `task ${task} was withdrawn, and runs`);
    ghosts[STARTED + task]! |= 1 << attempt;
  });
  if (!claimed) return 'dropped';
  const { end } = table.cursor(slot);
  if (end === 0) pause();
  else runItems(tools, item);
  put(words, results[me]!, item);
  return table.finish(slot, generationOf(ticket), me) ? 'ran' : 'doomed';
}

function runItems({ things: { table, words }, note, check }: Tools<Things>, { ticket, task }: Item): void {
  const slot = slotOf(ticket);
  const first = firstItem(words, task);
  for (;;) {
    const claimed = table.claimItems(slot, 1);
    if (claimed === undefined) return;
    note((ghosts) => {
      const item = ITEMS + first + claimed.from;
      check(ghosts[item] === 0, `item ${first + claimed.from} runs twice`);
      ghosts[item] = 1;
    });
  }
}

/** Where the number of a chunk's first item lies: the payload of its task. */
const FIRSTS: number = cellWord(849);

function firstItem(words: Words, task: number): number {
  return load(words, FIRSTS + task);
}

/** Works until no item is left, at most so often; with its own ring, if it has one. */
const works = (times: number, hasOwn = false): Actor<Things> => ({
  run(tools) {
    const { me, note } = tools;
    for (let time = 0; time < times; time++) {
      const how = work(tools, me, hasOwn);
      if (how === 'none' || how === 'doomed') break;
    }
    note((ghosts) => {
      ghosts[ENDED]! |= 1 << me;
    });
  },
});

/** Sleeps where there is nothing, as a worker does: `woken` is all that its bell brings about. */
const sleeps: Actor<Things> = {
  run(tools) {
    const { me, note, things } = tools;
    const { table, ring } = things;
    while (work(tools, me) !== 'none');
    table.workers.setIdle(me);
    if (!ring.empty) {
      table.workers.clearIdle(me);
      while (work(tools, me) !== 'none');
      return;
    }
    note((ghosts) => {
      ghosts[ASLEEP]! |= 1 << me;
    });
  },
};

/** The same, with its own ring. */
const sleepsWithOwn: Actor<Things> = {
  run(tools) {
    const { me, note, things } = tools;
    const { table, own } = things;
    const isEmpty = (): boolean => table.workers.privateRing(me) === undefined || own[me]!.empty;
    for (;;) {
      while (work(tools, me, true) !== 'none');
      table.workers.setIdle(me);
      if (isEmpty()) break;
      table.workers.clearIdle(me);
    }
    note((ghosts) => {
      ghosts[ASLEEP]! |= 1 << me;
    });
  },
};

// The pool's side.

class PoolSide {
  readonly slots: PoolSlots;
  readonly tasks: Task[] = [];
  /** Tasks for which no slot was free. */
  private backlog: Task[] = [];
  private readonly tools: Tools<Things>;
  private readonly living: Set<number>;
  private readonly workers: number;

  constructor(tools: Tools<Things>, workers: number) {
    this.tools = tools;
    this.workers = workers;
    this.living = new Set(Array.from({ length: workers }, (_, index) => index + 1));
    const { table, ring } = tools.things;
    this.slots = new tools.lib.Slots(table, ring, () => this.living);
  }

  /** A new task: a call, or a chunk of items from `first` on. */
  submit(items = 0, first = 0, own = 0): Task {
    const task: Task = { slot: -1, number: this.tasks.length, attempt: 0, items, first, own };
    this.tasks.push(task);
    this.handOut(task);
    return task;
  }

  private fillUp(): void {
    for (const task of this.backlog.splice(0)) this.handOut(task);
  }

  private handOut(task: Task): void {
    const { note, check, isDead, things } = this.tools;
    const { own } = task;
    const ring = own === 0 ? things.ring : things.own[own]!;
    if (own !== 0 && things.table.workers.privateRing(own) === undefined)
      things.table.workers.setPrivateRing(own, { number: 1, generation: 1 });
    const slot = this.slots.fill(task.items, own === 0 ? undefined : ring);
    if (slot < 0) {
      this.backlog.push(task);
      return;
    }
    if (task.items > 0) store(things.words, FIRSTS + task.number, task.first);
    task.attempt++;
    const ticket = this.slots.ticketOf(slot);
    note((ghosts) => {
      for (let worker = 1; worker <= this.workers; worker++) {
        const held = ((ghosts[HOLDS]! >> (worker * 4)) & 15) - 1;
        const isFree = isDead(worker) || held !== slot;
        check(isFree, `slot ${slot} is used again, and worker ${worker} has an item of it`);
      }
      ghosts[ATTEMPT + task.number] = task.attempt;
    });
    put(things.words, ring, { ticket, task: task.number, attempt: task.attempt });
    this.slots.use(slot, task);
    const idle = own === 0 ? things.table.workers.takeIdle() : things.table.workers.takeIdleOf(own) ? own : 0;
    note((ghosts) => {
      if (idle !== 0) ghosts[WOKEN]! |= 1 << idle;
    });
  }

  drain(): void {
    for (const worker of this.living) this.drainFrom(worker);
  }

  drainFrom(worker: number): void {
    const { words, results } = this.tools.things;
    for (
      let reply = take(words, results[worker]!);
      reply !== undefined;
      reply = take(words, results[worker]!)
    ) {
      const task = this.slots.tasks[slotOf(reply.ticket)] as Task | undefined;
      if (task === undefined || this.slots.ticketOf(task.slot) !== reply.ticket) continue;
      this.slots.seen(worker);
      this.slots.release(task);
      this.end(task, RESULT);
    }
  }

  /** Withdraws the task, or tells it to stop; returns whether it was withdrawn. */
  giveUp(task: Task): void {
    const { table } = this.tools.things;
    if (task.slot < 0) {
      this.backlog = this.backlog.filter((each) => each !== task);
      this.end(task, WITHDRAWN);
      return;
    }
    if (this.slots.withdraw(task)) {
      this.end(task, WITHDRAWN);
      return;
    }
    this.drain();
    if (task.slot < 0) return;
    table.abort(task.slot, this.slots.generationOf(task.slot));
    this.end(task, GIVEN_UP);
  }

  /** Kills the worker that runs the task: here, it takes no other. */
  kill(task: Task): void {
    const { table } = this.tools.things;
    this.drain();
    const runner = this.slots.runnerOf(task);
    if (task.slot < 0 || runner === 0) return;
    const doomed = table.doom(task.slot, this.slots.generationOf(task.slot));
    this.tools.note((ghosts) => {
      if (doomed) ghosts[DOOMED]! |= 1 << runner;
    });
  }

  /** Cuts the chunk, and hands out what was cut off. */
  share(task: Task): void {
    const { table } = this.tools.things;
    if (this.slots.runnerOf(task) === 0) return;
    const cut = table.cut(task.slot, (left) => left >> 1);
    if (cut !== undefined) this.submit(cut.to - cut.from, task.first + cut.from);
  }

  /** The worker takes no more: takes back what it has not begun in its own ring. */
  retire(worker: number): void {
    const back = [...this.slots.tasks] as (Task | undefined)[];
    for (const task of back) {
      if (task?.own !== worker || !this.slots.takeBack(task, this.tools.things.own[worker]!)) continue;
      task.own = 0;
      this.handOut(task);
    }
  }

  /** Looks for workers that have died since the last look, and settles their tasks. */
  bury(): void {
    const { note, look, isDead } = this.tools;
    for (const worker of [...this.living]) {
      note((ghosts) => {
        if (isDead(worker)) ghosts[ENDED]! |= 1 << (worker + 8);
      });
      if (look((ghosts) => ghosts[ENDED]! & (1 << (worker + 8))) === 0) continue;
      this.drainFrom(worker);
      this.living.delete(worker);
      this.retire(worker);
      this.settleDead(worker);
      this.slots.seen(worker);
      this.slots.gone(this.tools.things.own[worker]!);
      this.takeBack();
    }
  }

  private settleDead(worker: number): void {
    const { lib, things } = this.tools;
    for (const task of [...this.slots.tasks] as (Task | undefined)[]) {
      if (task === undefined) continue;
      const state = things.table.state(task.slot);
      const isQueued = state >> 28 === lib.PHASE.QUEUED;
      if (isQueued || ((state >> GENERATION_BITS) & 0xff) !== worker) continue;
      const { next, end } = things.table.cursor(task.slot);
      this.slots.release(task);
      this.end(task, LOST);
      if (next < end) this.submit(end - next, task.first + next);
    }
  }

  private takeBack(): void {
    const { lib, things } = this.tools;
    this.drain();
    for (const task of [...this.slots.tasks] as (Task | undefined)[]) {
      if (task === undefined || things.table.state(task.slot) >> 28 !== lib.PHASE.QUEUED) continue;
      if (this.slots.ownRing(task.slot) !== undefined) continue;
      if (this.slots.isTaken(task.slot) && this.slots.takeBack(task)) this.handOut(task);
    }
  }

  private end(task: Task, outcome: number): void {
    const { note, check } = this.tools;
    note((ghosts) => {
      const before = ghosts[OUTCOME + task.number];
      // A task that was given up may still have a result, which nobody gets, or be lost.
      check(before === 0 || before === GIVEN_UP, `task ${task.number} has two outcomes`);
      check(
        outcome !== RESULT || has(ghosts, STARTED + task.number, task.attempt),
        `task ${task.number} has a result, and did not run`,
      );
      check(
        outcome !== WITHDRAWN || !has(ghosts, STARTED + task.number, task.attempt),
        `task ${task.number} was withdrawn, and has begun`,
      );
      if (before === 0) ghosts[OUTCOME + task.number] = outcome;
    });
  }

  /**
   * When all workers have ended: does what is left, with a new worker, and sees that every task has
   * its outcome.
   */
  finish(): void {
    const { look, things, note, check } = this.tools;
    this.bury();
    const ended = look((ghosts) => (ghosts[ENDED]! | (ghosts[ENDED]! >> 8)) & 0xff);
    for (let worker = 1; worker <= this.workers; worker++) if ((ended & (1 << worker)) === 0) return;
    this.drain();
    // The living workers have no items left.
    for (const worker of this.living) this.slots.seen(worker);
    // Those with a ring of their own end: their keys move on.
    for (let worker = 1; worker <= this.workers; worker++) {
      if (things.table.workers.privateRing(worker) === undefined) continue;
      this.retire(worker);
      this.slots.gone(things.own[worker]!);
    }
    const replacement = this.workers + 1;
    this.living.add(replacement);
    for (let round = 0; round < 2; round++) {
      this.fillUp();
      while (work(this.tools, replacement) !== 'none');
      this.drain();
    }
    check(this.slots.used === 0, 'a task has no outcome');
    note((ghosts) => {
      for (const { number } of this.tasks)
        check(ghosts[OUTCOME + number] !== 0, `task ${number} has no outcome`);
    });
    let free = 0;
    // Slots that rest do so until each worker is seen, and those alone.
    for (let round = 0; round < 2; round++) {
      while (this.slots.fill(0) >= 0) free++;
      for (const worker of this.living) this.slots.seen(worker);
    }
    while (this.slots.fill(0) >= 0) free++;
    check(free === SIZE.slots, `${free} slots are free in the end, of ${SIZE.slots}`);
    check(things.ring.empty, 'an item is left');
  }
}

const pool = (workers: number, script: (side: PoolSide) => void): Actor<Things> => ({
  mortal: false,
  run(tools) {
    const side = new PoolSide(tools, workers);
    script(side);
    side.finish();
  },
});

const base: Pick<Scenario<Things>, 'things' | 'mayWait'> = { things, mayWait: () => true };

/** Each item ran once, but for those that a dead worker had begun. */
function ranOnce(items: number): (ending: Ending<Things>) => void {
  return ({ ghosts, done, dead, check }) => {
    // The pool has left before its workers, so it has stopped handing out tasks.
    if (!done.includes(0) || dead.length > 0) return;
    const ran = Array.from({ length: items }, (_, item) => ghosts[ITEMS + item]);
    check(ran.every((times) => times === 1) || ghosts[OUTCOME] === 0, `items ran ${ran.join()} times`);
  };
}

const scenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'two tasks, two workers',
    actors: [
      pool(2, (side) => {
        side.submit();
        side.submit();
        side.drain();
      }),
      works(2),
      works(2),
    ],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'two tasks, two workers, one dies',
    actors: [
      pool(2, (side) => {
        side.submit();
        side.submit();
        side.bury();
      }),
      works(2),
      works(2),
    ],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'one task, two workers, one dies, the other is slow',
    actors: [
      pool(2, (side) => {
        side.submit();
        side.bury();
        side.submit();
        side.drain();
      }),
      works(1),
      works(1),
    ],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'a task is given up while it is taken',
    actors: [
      pool(1, (side) => {
        const task = side.submit();
        side.giveUp(task);
        side.submit();
      }),
      works(2),
    ],
    deaths: 1,
    preemptions: [2, 4],
  },
  {
    ...base,
    name: 'a task is given up and its worker killed, another waits',
    actors: [
      pool(1, (side) => {
        const task = side.submit();
        side.submit();
        side.giveUp(task);
        side.kill(task);
        side.drain();
      }),
      works(2),
    ],
    deaths: 1,
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'more tasks than slots, all given up, one dies',
    actors: [
      pool(2, (side) => {
        for (let n = 0; n < 4; n++) side.giveUp(side.submit());
      }),
      works(1),
      works(1),
    ],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'a chunk is cut while it runs',
    actors: [
      pool(2, (side) => {
        const chunk = side.submit(4, 0);
        side.share(chunk);
        side.drain();
      }),
      works(2),
      works(1),
    ],
    preemptions: [2, 3],
    settled: ranOnce(4),
  },
  {
    ...base,
    name: 'a chunk is cut while the only worker runs it',
    actors: [pool(1, (side) => side.share(side.submit(3, 0))), works(1)],
    preemptions: [3, 5],
    settled: ranOnce(3),
  },
  {
    ...base,
    name: 'a chunk is cut while it runs, one dies',
    actors: [
      pool(2, (side) => {
        const chunk = side.submit(3, 0);
        side.share(chunk);
        side.bury();
      }),
      works(2),
      works(1),
    ],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'workers fall asleep while tasks are put',
    actors: [
      {
        mortal: false,
        run(tools) {
          const side = new PoolSide(tools, 2);
          side.submit();
          side.submit();
        },
      },
      sleeps,
      sleeps,
    ],
    preemptions: [2, 3],
    settled({ things: { ring }, ghosts, check }) {
      // A worker that was woken takes all there is.
      check(ring.empty || (ghosts[ASLEEP]! & ghosts[WOKEN]!) !== 0, 'all sleep, and there is an item');
    },
  },
  {
    ...base,
    name: 'two tasks in the own ring of a worker, which dies',
    actors: [
      pool(2, (side) => {
        side.submit(0, 0, 1);
        side.submit(0, 0, 1);
        side.bury();
      }),
      works(2, true),
      works(2),
    ],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'two tasks in the own ring of a worker, which retires',
    actors: [
      pool(2, (side) => {
        side.submit(0, 0, 1);
        side.submit(0, 0, 1);
        side.retire(1);
        side.submit();
        side.drain();
      }),
      works(2, true),
      works(2),
    ],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'a task in an own ring is given up while it is taken',
    actors: [
      pool(1, (side) => {
        const task = side.submit(0, 0, 1);
        side.giveUp(task);
        side.submit();
      }),
      works(2, true),
    ],
    deaths: 1,
    preemptions: [2, 4],
  },
  {
    ...base,
    name: 'a worker falls asleep while a task is put into its own ring',
    actors: [
      {
        mortal: false,
        run(tools) {
          const side = new PoolSide(tools, 1);
          side.submit(0, 0, 1);
          side.submit(0, 0, 1);
        },
      },
      sleepsWithOwn,
    ],
    preemptions: [3, 5],
    settled({ things: { own }, ghosts, check }) {
      check(own[1]!.empty || (ghosts[ASLEEP]! & ghosts[WOKEN]!) !== 0, 'it sleeps, and there is an item');
    },
  },
];

export const poolScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
