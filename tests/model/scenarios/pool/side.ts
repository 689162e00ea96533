/** The pool's side of the scenarios: hands out tasks, reads results, and sees to deaths. */

import { store } from '../../atomics.ts';
import type { ControlHost, Engine, PoolSlots } from '../../internals.ts';
import type { Actor, Tools } from '../../scenario.ts';
import type { EngineHost, Member, Task, TaskMore } from './engine.ts';
import { controlOf, engineOf } from './engine.ts';
import type { Things } from './things.ts';
import {
  ABORTED,
  ATTEMPT,
  DOOMED,
  ENDED,
  FIRSTS,
  GIVEN_UP,
  HOLDS,
  has,
  LOST,
  OUTCOME,
  PUT,
  put,
  RESULT,
  SIZE,
  STARTED,
  slotOf,
  take,
  WITHDRAWN,
  WOKEN,
} from './things.ts';
import { work } from './workers.ts';

export class PoolSide implements EngineHost {
  readonly slots: PoolSlots;
  readonly tasks: Task[] = [];
  /** Tasks for which no slot was free. */
  private backlog: Task[] = [];
  readonly tools: Tools<Things>;
  private readonly living: Set<Member>;
  readonly workers: number;
  /** The parts of an engine that `settleDead`, `giveUp` and `killTask` need. */
  private readonly engine: Engine;
  private readonly control: ControlHost;
  readonly doubts: (() => void)[] = [];

  /** @param generation where the slots begin */
  constructor(tools: Tools<Things>, workers: number, generation: number) {
    this.tools = tools;
    this.workers = workers;
    this.living = new Set(Array.from({ length: workers }, (_, index) => this.member(index + 1)));
    const { table, ring } = tools.things;
    this.slots = new tools.lib.Slots(table, ring, () => this.living);
    if (generation > 0) (Reflect.get(this.slots, 'generations') as Int32Array).fill(generation);
    this.engine = engineOf(this);
    this.control = controlOf(this, this.engine);
  }

  private member(index: number): Member {
    return {
      index,
      id: index,
      child: { exitCode: 0 },
      own: { channel: { ring: this.tools.things.own[index]! } },
    };
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

  withdraw(task: Task): boolean {
    if (task.slot >= 0) return this.slots.withdraw(task);
    this.backlog = this.backlog.filter((each) => each !== task);
    return true;
  }

  again(task: Task): void {
    task.slot = -1;
    this.isBack(task);
    this.handOut(task);
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

  end(task: Task, outcome: number): void {
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

/** The pool, which does what the script says, and then sees that all is well. */
export const pool = (workers: number, script: (side: PoolSide) => void, generation = 0): Actor<Things> => ({
  mortal: false,
  run(tools) {
    const side = new PoolSide(tools, workers, generation);
    script(side);
    side.finish();
  },
});
