/**
 * Pieces: small situations of a few threads and objects, each with the report expected of it.
 * Worlds are made of them.
 */

import { BoundedSemaphore, Condition, Event, Latch, Lock, Process, RWLock, Thread } from 'lockstep';
import type { Random } from '../soak/random.ts';
import { until, untilWaiting } from '../support/until.ts';
import type { QueueName } from './members.ts';
import {
  awaitChild,
  awaitEvent,
  awaitLock,
  blockForEvent,
  blockForItem,
  blockForLock,
  blockForNotification,
  blockForPermit,
  blockForRoom,
  haveOpen,
  haveQueueOpen,
  holdAndBlock,
  holdBusy,
  holdIdle,
  holdPermit,
  holdThenWait,
  joinProcess,
  joinThread,
  read,
  write,
} from './members.ts';

/** The expected text: names of members and of objects, sorted. */
export interface Answer {
  /** Circles, as the names of their members. */
  circles?: string[][];
  /** Objects that nobody is left to bring. */
  nobody?: string[];
  /** The threads that keep others waiting, and how many calls. */
  keepers?: [name: string, calls: number][];
}

export interface Piece {
  answer: Answer;
  /** Members that wait when the piece stands, of which each has one wait: by name. */
  waiting: string[];
  /** Members that hold something, and do not wait: by name. */
  holding: string[];
}

/** Where a piece is built. */
export class Site {
  readonly namespace: string;
  readonly random: Random;
  readonly children: (Process | Thread)[] = [];
  private readonly prefix: string;
  private numbers = 0;

  constructor(namespace: string, random: Random, prefix: string) {
    this.namespace = namespace;
    this.random = random;
    this.prefix = prefix;
  }

  name(kind: string): string {
    return `${this.prefix}-${kind}${++this.numbers}`;
  }

  lock(ignore = true): Lock {
    return new Lock({
      name: this.name('lock'),
      namespace: this.namespace,
      ...(ignore ? { deadlock: 'ignore' } : {}),
    });
  }

  event(): Event {
    return new Event({ name: this.name('event'), namespace: this.namespace });
  }

  queue(maxSize = 0): QueueName {
    return { name: this.name('queue'), namespace: this.namespace, maxSize };
  }

  /** Starts a member, as a process or a thread; returns its name. */
  start<Args extends readonly unknown[]>(target: (...args: Args) => unknown, ...args: Args): string {
    return this.startAs(this.random.percent(50) ? Process : Thread, target, ...args).name;
  }

  startAs<Args extends readonly unknown[]>(
    Kind: typeof Process | typeof Thread,
    target: (...args: Args) => unknown,
    ...args: Args
  ): Process | Thread {
    const child = new Kind({ target, args: args as never, name: this.name('member') } as never) as Process;
    child.start();
    this.children.push(child);
    return child;
  }
}

/** Objects that the world's own thread closes as soon as all members have them. */
export type Build = (site: Site) => Promise<Piece & { objects: { close(): void }[] }>;

const circle: Build = async (site) => {
  const size = 2 + site.random.below(2);
  const locks = Array.from({ length: size }, () => site.lock());
  const all = new Latch(size, { namespace: site.namespace });
  const members = locks.map((lock, index) => site.start(holdThenWait, lock, all, locks[(index + 1) % size]!));
  for (const lock of locks) await untilHeld(lock);
  const behind = site.random.percent(50) ? [site.start(blockForLock, locks[0]!)] : [];
  return {
    answer: { circles: [members] },
    waiting: [...members, ...behind],
    holding: [],
    objects: [...locks, all],
  };
};

/** A circle in which one gives up by itself: no deadlock. */
const timedCircle: Build = async (site) => {
  const [a, b] = [site.lock(), site.lock()];
  const all = new Latch(2, { namespace: site.namespace });
  const members = [site.start(holdThenWait, a, all, b, 1e6), site.start(holdThenWait, b, all, a)];
  return { answer: {}, waiting: members, holding: [], objects: [a, b, all] };
};

const behindHolder: Build = async (site) => {
  const lock = site.lock(false);
  const busy = site.random.percent(50);
  const holder = site.startAs(Process, busy ? holdBusy : holdIdle, lock);
  await untilHeld(lock);
  const waits = [site.start(blockForLock, lock), site.start(awaitLock, lock)];
  return {
    answer: { keepers: [[holder.name, 2]] },
    waiting: waits,
    holding: [holder.name],
    objects: [lock],
  };
};

/** Locks in a row: each except the last is held by a thread that waits for the next. */
const row: Build = async (site) => {
  const length = 2 + site.random.below(2);
  const locks = Array.from({ length }, () => site.lock(false));
  const holder = site.start(holdIdle, locks.at(-1)!);
  const middle: string[] = [];
  for (let index = length - 2; index >= 0; index--) {
    await untilHeld(locks[index + 1]!);
    middle.push(site.start(holdAndBlock, locks[index]!, locks[index + 1]!));
  }
  return {
    answer: { keepers: [[holder, length - 1]] },
    waiting: middle,
    holding: [holder],
    objects: locks,
  };
};

const allWait: Build = async (site) => {
  const event = site.event();
  const members = [site.start(blockForEvent, event), site.start(blockForEvent, event)];
  return { answer: { nobody: [event.name!] }, waiting: members, holding: [], objects: [event] };
};

/** A thread is left that could set it. */
const oneIsLeft: Build = async (site) => {
  const event = site.event();
  const left = site.start(haveOpen, event);
  const members = [site.start(blockForEvent, event), site.start(awaitEvent, event)];
  return { answer: {}, waiting: members, holding: [left], objects: [event] };
};

/** One of the waiters gives up, and could then set it. */
const oneGivesUp: Build = async (site) => {
  const event = site.event();
  const members = [site.start(blockForEvent, event), site.start(blockForEvent, event, 1e6)];
  return { answer: {}, waiting: members, holding: [], objects: [event] };
};

const nobodyNotifies: Build = async (site) => {
  const condition = new Condition(undefined, { name: site.name('condition'), namespace: site.namespace });
  const members = [site.start(blockForNotification, condition), site.start(blockForNotification, condition)];
  return { answer: { nobody: [condition.name!] }, waiting: members, holding: [], objects: [condition] };
};

const nobodyPuts: Build = async (site) => {
  const queue = site.queue();
  const members = [site.start(blockForItem, queue), site.start(blockForItem, queue)];
  return { answer: { nobody: [queue.name] }, waiting: members, holding: [], objects: [] };
};

const somebodyCouldPut: Build = async (site) => {
  const queue = site.queue();
  const left = site.start(haveQueueOpen, queue);
  return { answer: {}, waiting: [site.start(blockForItem, queue)], holding: [left], objects: [] };
};

const nobodyTakes: Build = async (site) => {
  const queue = site.queue(2);
  return {
    answer: { nobody: [queue.name] },
    waiting: [site.start(blockForRoom, queue)],
    holding: [],
    objects: [],
  };
};

const allPermitsHeld: Build = async (site) => {
  const semaphore = new BoundedSemaphore(2, { name: site.name('permits'), namespace: site.namespace });
  const holders = [site.start(holdPermit, semaphore), site.start(holdPermit, semaphore)];
  await until(() => semaphore.value === 0, 'all permits are held');
  const waits = site.start(blockForPermit, semaphore);
  return {
    answer: { keepers: holders.map((holder) => [holder, 1]) },
    waiting: [waits],
    holding: holders,
    objects: [semaphore],
  };
};

/** A writer waits for the reader, and keeps further readers out. */
const behindReader: Build = async (site) => {
  const lock = new RWLock({ name: site.name('rwlock'), namespace: site.namespace });
  const reader = site.start(read, lock);
  await until(() => lock.describe().readers.length === 1, 'somebody reads');
  const writer = site.start(write, lock);
  await untilWaiting(lock, 1);
  const behind = site.start(read, lock);
  return {
    answer: { keepers: [[reader, 2]] },
    waiting: [writer, behind],
    holding: [reader],
    objects: [lock],
  };
};

const joins: Build = async (site) => {
  const event = site.event();
  const child = site.name('child');
  const asProcess = site.random.percent(50);
  const parent = site.startAs(Process, asProcess ? joinProcess : joinThread, event, child);
  return { answer: { nobody: [event.name!] }, waiting: [parent.name, child], holding: [], objects: [event] };
};

/** The event loop of the holder awaits the end of a child that waits for the lock. */
const awaitsItsWaiter: Build = async (site) => {
  const lock = site.lock(false);
  const child = site.name('child');
  const parent = site.startAs(Process, awaitChild, lock, child, site.random.percent(50), true);
  return {
    answer: { keepers: [[parent.name, 1]] },
    waiting: [parent.name, child],
    holding: [parent.name],
    objects: [lock],
  };
};

/** A program awaits the end of a child that waits behind another: both are behind that one. */
const awaitsBehind: Build = async (site) => {
  const lock = site.lock(false);
  const holder = site.startAs(Process, holdBusy, lock);
  await untilHeld(lock);
  const child = site.name('child');
  const parent = site.startAs(Process, awaitChild, lock, child, site.random.percent(50), false);
  return {
    answer: { keepers: [[holder.name, 2]] },
    waiting: [parent.name, child],
    holding: [holder.name],
    objects: [lock],
  };
};

/** The holder dies, and the first waiter holds the lock in its place. */
const holderDies: Build = async (site) => {
  const lock = site.lock(false);
  const holder = site.startAs(Process, holdIdle, lock) as Process;
  await untilHeld(lock);
  const heir = site.startAs(Process, blockForLock, lock);
  await untilWaiting(lock, 1);
  process.kill(holder.pid!, 'SIGKILL');
  await until(() => lock.describe().owner?.name === heir.name, 'the lock has passed on');
  return { answer: {}, waiting: [], holding: [heir.name], objects: [lock] };
};

async function untilHeld(lock: Lock): Promise<void> {
  await until(() => lock.locked, 'the lock is held');
}

export const PIECES: Readonly<Record<string, Build>> = {
  circle,
  timedCircle,
  behindHolder,
  row,
  allWait,
  oneIsLeft,
  oneGivesUp,
  nobodyNotifies,
  nobodyPuts,
  somebodyCouldPut,
  nobodyTakes,
  allPermitsHeld,
  behindReader,
  joins,
  awaitsItsWaiter,
  awaitsBehind,
  holderDies,
};
