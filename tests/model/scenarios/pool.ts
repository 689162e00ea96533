/**
 * Pool: each task has one outcome and each attempt starts at most once, whichever actor dies. Actor
 * 0 is the pool, the others are its workers. The table, the slots and the rings are the library's
 * own. The pool and its workers use them as `pool/hand-out.ts`, `deaths.ts` and `worker.ts` do,
 * without codec and event loop.
 */

import type { Lock } from 'lockstep';
import { load, store } from '../atomics.ts';
import type { Cell, ControlHost, Engine, PoolSlots, Ring, TaskTable, Words } from '../internals.ts';
import { cellWord } from '../internals.ts';
import type { Library } from '../library.ts';
import type { Actor, AnyScenario, Ending, Scenario, Tools } from '../scenario.ts';
import type { State } from '../state.ts';
import { aLock } from './objects.ts';

interface Things {
  words: Words;
  /** At its cell sleeps a worker whose task waits. */
  bed: Lock;
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
/** Four bits a task: bit a: the result of attempt a is in a ring. */
const PUT = 23;
/** Place of the bits of `DOOMED` that say that an actor has called `process.abort`. */
const ABORTED = 8;

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
  readonly more: TaskMore;
  readonly payload: readonly unknown[];
  readonly mode: number;
  readonly fn: { readonly name: string };
  resolve: (() => void) | undefined;
  needMore(): TaskMore;
  readonly number: number;
  attempt: number;
  /** Items of a chunk; 0: it is a call. */
  readonly items: number;
  readonly first: number;
  /** The worker in whose own ring it is put; 0: the pool's ring. */
  own: number;
}

interface TaskMore {
  readonly retries: number;
  takenBack: number;
  /** A chunk's. */
  readonly chunk: { count: number; lost(next: number, end: number): void } | undefined;
}

/** A worker as the pool knows it. */
interface Member {
  readonly index: number;
  readonly id: number;
  readonly child: { readonly exitCode: number };
  readonly own: { readonly channel: { readonly ring: Ring } };
}

const GENERATION_BITS = 19;
const LAST_GENERATION: number = 2 ** GENERATION_BITS - 1;

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
  return { words, bed: lock, table, ring: rings[0]!, results: rings, own: rings.slice(WORKERS) };
}

function wordsOf(lock: Lock): Words {
  return cellOf(lock).agent.namespace.words;
}

function cellOf(lock: Lock): Cell {
  return Reflect.get(lock, 'cell') as Cell;
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
    if (!claimed) {
      const isStale = ghosts[ATTEMPT + task] !== attempt || ghosts[OUTCOME + task] === WITHDRAWN;
      check(isStale, `the item of task ${task} is dropped, and it has no other`);
      return;
    }
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
  note((ghosts) => {
    ghosts[PUT]! |= 1 << (task * 4 + attempt);
  });
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

/** Runs a task that waits until it is asked to stop. */
const waitsForAbort: Actor<Things> = {
  run(tools) {
    const { lib, me, note, things } = tools;
    const { words, table, ring, results, bed } = things;
    const item = take(words, ring);
    if (item !== undefined) {
      const [slot, generation] = [slotOf(item.ticket), generationOf(item.ticket)];
      if (table.claim(slot, generation, me)) {
        note((ghosts) => {
          ghosts[STARTED + item.task]! |= 1 << item.attempt;
        });
        const isAborted = (): boolean => table.isAborted(slot, generation);
        const wait = new lib.Gate(cellOf(bed)).waitFor(isAborted, isAborted);
        if (!isAborted()) lib.takeBlocking(cellOf(bed), wait, lib.Deadline.NEVER);
        put(words, results[me]!, item);
        table.finish(slot, generation, me);
      }
    }
    note((ghosts) => {
      ghosts[ENDED]! |= 1 << me;
    });
  },
};

/** Begins a task, and ends its process by `process.abort`. */
const aborts: Actor<Things> = {
  run(tools) {
    const { me, note, things, pause } = tools;
    const { words, table, ring } = things;
    const item = take(words, ring);
    if (item !== undefined && table.claim(slotOf(item.ticket), generationOf(item.ticket), me)) {
      table.workers.noteAbort(me);
      note((ghosts) => {
        ghosts[STARTED + item.task]! |= 1 << item.attempt;
        ghosts[DOOMED]! |= 1 << (me + ABORTED);
      });
      pause();
    }
    note((ghosts) => {
      ghosts[ENDED]! |= 1 << (me + 8);
    });
  },
};

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
  private readonly living: Set<Member>;
  private readonly workers: number;
  /** The parts of an engine that `settleDead`, `giveUp` and `killTask` need. */
  private readonly engine: Engine;
  private readonly control: ControlHost;
  /** Set by a death after which an item may be in nobody's hands. */
  private doubts: (() => void)[] = [];

  /** @param generation where the slots begin */
  constructor(tools: Tools<Things>, workers: number, generation: number) {
    this.tools = tools;
    this.workers = workers;
    this.living = new Set(Array.from({ length: workers }, (_, index) => this.member(index + 1)));
    const { table, ring } = tools.things;
    this.slots = new tools.lib.Slots(table, ring, () => this.living);
    if (generation > 0) (Reflect.get(this.slots, 'generations') as Int32Array).fill(generation);
    this.engine = this.engineOf();
    this.control = this.controlOf();
  }

  private controlOf(): ControlHost {
    const { lib, things, note } = this.tools;
    const cell = cellOf(things.bed);
    const members = Array.from({ length: this.workers + 1 }, (_, worker) => ({
      wake: () => void lib.wakeOldest(cell.agent, cell),
      kill: () =>
        note((ghosts) => {
          ghosts[DOOMED]! |= 1 << worker;
        }),
    }));
    const parts = { title: 'pool', engine: this.engine, members, grace: Number.POSITIVE_INFINITY };
    return parts as unknown as ControlHost;
  }

  private member(index: number): Member {
    return {
      index,
      id: index,
      child: { exitCode: 0 },
      own: { channel: { ring: this.tools.things.own[index]! } },
    };
  }

  private engineOf(): Engine {
    const { slots, tools } = this;
    const parts = {
      handOut: {
        table: tools.things.table,
        slots,
        tasks: slots.tasks,
        keyed: {
          orphan: ({ index }: Member) => this.retire(index),
          gone: ({ own }: Member) => slots.gone(own.channel.ring),
        },
        left() {},
        withdraw: (task: Task) => {
          if (task.slot >= 0) return slots.withdraw(task);
          this.backlog = this.backlog.filter((each) => each !== task);
          return true;
        },
        again: (task: Task) => {
          task.slot = -1;
          this.isBack(task);
          this.handOut(task);
        },
      },
      reading: {
        drainFrom: ({ index }: Member) => this.drainFrom(index),
        drainAll: () => this.drain(),
        drain: () => this.drain(),
      },
      settling: {
        lost() {},
        settle: (task: Task) => this.end(task, LOST),
        cancelled: (task: Task) => this.end(task, task.slot < 0 ? WITHDRAWN : GIVEN_UP),
      },
      alarms: { set: (_: number, ring: () => void) => this.doubts.push(ring) },
    };
    return parts as unknown as Engine;
  }

  /** A new task: a call, or a chunk of items from `first` on. */
  submit(items = 0, first = 0, own = 0): Task {
    const lost = (next: number, end: number): void => {
      if (next < end) this.submit(end - next, first + next);
    };
    const chunk = items === 0 ? undefined : { count: items, lost };
    const more: TaskMore = { retries: 0, takenBack: 0, chunk };
    const task: Task = {
      slot: -1,
      number: this.tasks.length,
      attempt: 0,
      items,
      first,
      own,
      more,
      payload: [],
      mode: 0,
      fn: { name: 'task' },
      resolve: () => {},
      needMore: () => more,
    };
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
    for (const { index } of this.living) this.drainFrom(index);
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
      this.seen(worker);
      this.slots.release(task);
      this.end(task, RESULT);
    }
  }

  /** Withdraws the task, or asks it to stop. */
  giveUp(task: Task): void {
    this.tools.lib.giveUp(this.control, task as never, () => 'enough');
  }

  /** Kills the worker that runs the task: here, it takes no other. */
  kill(task: Task): void {
    this.tools.lib.killTask(this.control, task as never);
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
      this.isBack(task);
      this.handOut(task);
    }
  }

  /** The task was taken back: its present attempt is none. */
  private isBack({ number }: Task): void {
    this.tools.note((ghosts) => {
      ghosts[ATTEMPT + number] = 0;
    });
  }

  /** Stands for other code of the pool's thread. */
  pause(): void {
    this.tools.pause();
  }

  private seen(worker: number): void {
    for (const member of this.living) if (member.index === worker) this.slots.seen(member);
  }

  /** Looks for workers that have died since the last look, and settles their tasks. */
  bury(): void {
    const { note, look, isDead, check, lib, things } = this.tools;
    for (const member of [...this.living]) {
      const { index } = member;
      note((ghosts) => {
        if (isDead(index)) ghosts[ENDED]! |= 1 << (index + 8);
      });
      if (look((ghosts) => ghosts[ENDED]! & (1 << (index + 8))) === 0) continue;
      lib.settleDead(this.engine, member as never, 'pool', undefined);
      this.living.delete(member);
      for (const doubt of this.doubts.splice(0)) doubt();
      // Another worker may begin in its place.
      const hasAborted = things.table.workers.hasAborted(index);
      check(
        hasAborted === (look((ghosts) => ghosts[DOOMED]! & (1 << (index + ABORTED))) !== 0),
        `worker ${index} has ${hasAborted ? 'not ' : ''}called process.abort`,
      );
      things.table.workers.begin(index);
      check(!things.table.workers.hasAborted(index), `the next worker ${index} begins as aborted`);
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
      check(
        outcome !== LOST || (ghosts[PUT]! & (1 << (task.number * 4 + task.attempt))) === 0,
        `task ${task.number} is lost, and its result was put`,
      );
      if (before === 0) ghosts[OUTCOME + task.number] = outcome;
    });
    task.resolve = undefined;
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
    for (const member of this.living) this.slots.seen(member);
    // Those with a ring of their own end: their keys move on.
    for (let worker = 1; worker <= this.workers; worker++) {
      if (things.table.workers.privateRing(worker) === undefined) continue;
      this.retire(worker);
      this.slots.gone(things.own[worker]!);
    }
    const replacement = this.workers + 1;
    this.living.add(this.member(replacement));
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
      for (const member of this.living) this.slots.seen(member);
    }
    while (this.slots.fill(0) >= 0) free++;
    check(free === SIZE.slots, `${free} slots are free in the end, of ${SIZE.slots}`);
    check(things.ring.empty, 'an item is left');
  }
}

const pool = (workers: number, script: (side: PoolSide) => void, generation = 0): Actor<Things> => ({
  mortal: false,
  run(tools) {
    const side = new PoolSide(tools, workers, generation);
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
    name: 'one task, two workers, one dies, the generations at their end',
    actors: [
      pool(
        2,
        (side) => {
          side.submit();
          side.bury();
          side.submit();
          side.drain();
        },
        LAST_GENERATION,
      ),
      works(1),
      works(1),
    ],
    deaths: 1,
    preemptions: [0, 2],
  },
  {
    ...base,
    name: 'a result is read before its worker has finished, and the slot used again from generation 0 on',
    actors: [
      pool(
        1,
        (side) => {
          side.submit();
          side.drain();
          side.submit();
          side.drain();
        },
        LAST_GENERATION,
      ),
      works(2),
    ],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'a running task that waits is given up',
    actors: [pool(1, (side) => side.giveUp(side.submit())), waitsForAbort],
    preemptions: [2, 4],
    mayWait: ({ ghosts }) => ghosts[OUTCOME] !== GIVEN_UP,
  },
  {
    ...base,
    name: 'a worker calls process.abort, and another begins in its place',
    actors: [
      pool(1, (side) => {
        side.submit();
        side.pause();
        side.bury();
      }),
      aborts,
    ],
    preemptions: [1, 3],
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
          const side = new PoolSide(tools, 2, 0);
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
          const side = new PoolSide(tools, 1, 0);
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
