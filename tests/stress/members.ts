/**
 * The programs of the members of a stress test. Each can be killed anywhere and replaced by another
 * that takes its seat. The work of a member is noted in shared words, and the work that a dead one
 * left half done is made good under the lock.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Barrier, BoundedSemaphore, Condition, Hold, Lock, Semaphore, WaitOptions } from 'lockstep';
import type { Style } from '../support/backends/backend.ts';
import { isEnding } from '../support/processes.ts';
import type { Word } from '../support/words.ts';

interface Acquirable {
  acquire(options?: WaitOptions): Promise<Hold | null>;
  acquireSync(options?: WaitOptions): Hold | null;
}

/** Adds one to the counter, without any atomicity of its own, `times` times. */
export async function adds(lock: Lock, counter: Word, times: number, style: Style): Promise<void> {
  for (let i = 0; i < times; i++) {
    const hold = await acquire(lock, style);
    counter.value = counter.value + 1;
    hold.release();
  }
}

export interface Ledger {
  total: Word;
  /** How much of the total each seat has added. */
  own: Word[];
  /** Pid of the process inside. */
  inside: Word;
  /** Times that two were inside. */
  intrusions: Word;
  recoveries: Word;
}

/** Adds one to the total and to its own share, until it is enough. */
export async function addsToLedger(
  lock: Lock,
  ledger: Ledger,
  seat: number,
  enough: Word,
  style: Style,
): Promise<void> {
  const { total, own, inside, intrusions, recoveries } = ledger;
  const mine = own[seat] as Word;
  while (enough.value === 0) {
    const hold = await acquire(lock, style);
    if (inside.exchange(process.pid) !== 0 && !hold.recovered) intrusions.add(1);
    if (hold.recovered) {
      recoveries.add(1);
      total.value = own.reduce((sum, { value }) => sum + value, 0);
    }
    total.value = total.value + 1;
    mine.value = mine.value + 1;
    inside.value = 0;
    hold.release();
  }
}

/** Passes `times` times; keeps the highest number of those inside at once. */
export async function passes(
  semaphore: Semaphore | BoundedSemaphore,
  inside: Word,
  most: Word,
  times: number,
  style: Style,
): Promise<void> {
  for (let i = 0; i < times; i++) {
    const hold = await acquire(semaphore, style);
    const now = inside.add(1) + 1;
    for (let seen = most.value; seen < now; seen = most.value) most.compareExchange(seen, now);
    inside.sub(1);
    hold.release();
  }
}

export interface Places {
  /** Pid of each seat's member. */
  pids: Word[];
  /** Grows by one when the seat's member comes in, and when it goes out: odd while it is inside. */
  marks: Word[];
  /** Times that more living members than permits were inside. */
  crowds: Word;
  enough: Word;
}

/** Passes until it is enough, looking around while inside. */
export async function passesMarked(
  semaphore: BoundedSemaphore,
  permits: number,
  places: Places,
  seat: number,
  style: Style,
): Promise<void> {
  const { pids, marks, crowds, enough } = places;
  const mine = marks[seat] as Word;
  mine.value = (mine.value | 1) + 1; // Outside, whatever the one before left.
  (pids[seat] as Word).value = process.pid;
  const values = (words: Word[]): number[] => words.map(({ value }) => value);
  const inside = (): number[] => {
    const pidsBefore = values(pids);
    const before = values(marks);
    // Nobody went in or out between the two looks: so they were inside at the same time.
    if (values(marks).some((value, i) => value !== before[i])) return [];
    // No seat was taken anew meanwhile: so the marks are those of these processes.
    if (values(pids).some((value, i) => value !== pidsBefore[i])) return [];
    return pidsBefore.filter((_, i) => Number(before[i]) % 2 === 1);
  };
  while (enough.value === 0) {
    const hold = await acquire(semaphore, style);
    mine.add(1);
    const seen = inside();
    if (seen.length > permits) {
      // One that was killed inside does not take its mark off. It is ending before its permit comes
      // back.
      if (seen.filter((pid) => !isEnding(pid)).length > permits) crowds.add(1);
    }
    mine.add(1);
    hold.release();
  }
}

export interface Rounds {
  arrived: Word[];
  passed: Word[];
  outOfStep: Word;
  /** Members that have seen the barrier broken and stand still until `epoch` moves. */
  stopped: Word;
  epoch: Word;
  /** The last round. */
  goal: Word;
}

/** Passes the barrier until the last round is done; stands still while it is broken. */
export async function keepsInStep(
  barrier: Barrier,
  rounds: Rounds,
  seat: number,
  style: Style,
): Promise<void> {
  const { arrived, passed, outOfStep, stopped, epoch, goal } = rounds;
  const mine = passed[seat] as Word;
  while (mine.value < goal.value) {
    const round = mine.value + 1;
    const era = epoch.value;
    (arrived[seat] as Word).value = round;
    try {
      if (style === 'blocking') barrier.waitSync();
      else await barrier.wait();
    } catch (error) {
      if (Reflect.get(error as Error, 'code') !== 'ERR_LOCKSTEP_BROKEN_BARRIER') throw error;
      stopped.add(1);
      while (epoch.value === era) await sleep(1);
      continue;
    }
    for (const { value } of arrived) if (value !== round && value !== round + 1) outOfStep.add(1);
    mine.value = round;
  }
}

/** A ring of items 0, 1, 2…: item `i` lies in slot `i % slots.length` while `head <= i < tail`. */
export interface Buffer {
  slots: Word[];
  head: Word;
  tail: Word;
  /** Items to pass in all. */
  total: Word;
  /** A bit an item, again from the first when they end: flipped when the item is consumed. */
  consumed: Word[];
  twice: Word;
  misplaced: Word;
}

const BITS = 31;

export function wordsFor(items: number): number {
  return Math.ceil(items / BITS);
}

/** The place of an item's bit, and its value once the item is consumed. */
function bitOf({ consumed }: Buffer, item: number): { word: Word; bit: number; after: number } {
  const place = item % (consumed.length * BITS);
  const lap = Math.floor(item / (consumed.length * BITS));
  const bit = 1 << (place % BITS);
  return { word: consumed[Math.floor(place / BITS)] as Word, bit, after: lap % 2 === 0 ? bit : 0 };
}

/** Whether the item, one of the latest lap or the next, was consumed. */
export function isConsumed(buffer: Buffer, item: number): boolean {
  const { word, bit, after } = bitOf(buffer, item);
  return (word.value & bit) === after;
}

/** Puts items into the buffer until all have been put, by all producers together. */
export async function produces(
  buffer: Buffer,
  notFull: Condition,
  notEmpty: Condition,
  style: Style,
): Promise<number> {
  const { slots, head, tail, total } = buffer;
  let put = 0;
  for (;;) {
    const hold = await acquire(notFull, style);
    while (tail.value < total.value && tail.value - head.value === slots.length) await wait(notFull, style);
    const item = tail.value;
    const more = item < total.value;
    if (more) {
      (slots[item % slots.length] as Word).value = item;
      tail.value = item + 1; // From here on the item is in.
      put++;
      notEmpty.notify();
    } else {
      notFull.notifyAll();
    }
    hold.release();
    if (!more) return put;
  }
}

/** Takes items out of the buffer until all have been taken, by all consumers together. */
export async function consumes(
  buffer: Buffer,
  notFull: Condition,
  notEmpty: Condition,
  style: Style,
): Promise<number> {
  const { slots, head, tail, total, twice, misplaced } = buffer;
  let taken = 0;
  for (;;) {
    const hold = await acquire(notEmpty, style);
    for (;;) {
      // A consumer that died after it had marked its item, and before it moved on: the item is
      // consumed.
      if (head.value < tail.value && isConsumed(buffer, head.value)) head.value = head.value + 1;
      else if (head.value < tail.value || head.value >= total.value) break;
      else await wait(notEmpty, style);
    }
    const item = head.value;
    const more = item < total.value;
    if (more) {
      if ((slots[item % slots.length] as Word).value !== item) misplaced.add(1);
      if (isConsumed(buffer, item)) twice.add(1);
      const { word, bit } = bitOf(buffer, item);
      word.xor(bit);
      head.value = item + 1;
      taken++;
      notFull.notify();
    } else {
      notEmpty.notifyAll();
    }
    hold.release();
    if (!more) return taken;
  }
}

async function acquire(object: Acquirable, style: Style): Promise<Hold> {
  return (style === 'blocking' ? object.acquireSync() : await object.acquire()) as Hold;
}

async function wait(condition: Condition, style: Style): Promise<void> {
  if (style === 'blocking') condition.waitSync();
  else await condition.wait();
}
