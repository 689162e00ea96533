/**
 * Delivery: which flow has put which letters, and how often each was taken, from one rest to the
 * next. A letter that is begun and not done was in hand when its writer was killed: it may be in or
 * not. Each letter that is done is taken once, except those in the hands of takers that were
 * killed.
 */

import { RawArray } from 'lockstep';
import { type Word, word, words } from '../support/words.ts';
import { CAST } from './cast.ts';
import type { Flow } from './flow.ts';
import { isFragile, type Letter, read } from './letter.ts';

/** Letters that a flow puts from one rest to the next, at most. */
const MOST = 8192;
/** In a letter's mark: how often it was taken. */
const TIMES = 0x0f;
/** Its put was refused: it must not be taken. */
const REFUSED = 0x10;
/** Its writer was killed while it put. */
const IN_DOUBT = 0x20;
/** It can't be read when its writer is dead. */
const FRAGILE = 0x40;

export interface Delivery {
  /**
   * Of each seat: its letters at the last rest, those that it has begun to put, and those of which
   * it knows.
   */
  before: Word[];
  begun: Word[];
  done: Word[];
  /** Of each letter since the last rest. */
  marks: RawArray<'u8'>;
  /** Flows that were killed, perhaps with a letter in hand that they had taken. */
  lost: Word;
  /**
   * Letters that could not be read when they were taken, and those that can't, as their writers are
   * dead.
   */
  unreadable: Word;
  orphaned: Word;
}

/** Of each flow: the last letter that it took of each queue and seat. */
const latest = new WeakMap<Flow, Map<string, number>>();

export function makeDelivery(): Delivery {
  return {
    before: words(CAST.length),
    begun: words(CAST.length),
    done: words(CAST.length),
    marks: new RawArray('u8', CAST.length * MOST),
    lost: word(),
    unreadable: word(),
    orphaned: word(),
  };
}

/** Whether the flow may put another letter before the next rest. */
export function mayPut({ seat }: Flow, { before, begun }: Delivery): boolean {
  return countOf(begun, seat) - countOf(before, seat) < MOST;
}

/** The flow begins to put a letter; returns its number. */
export function begin({ seat }: Flow, { begun }: Delivery): number {
  return (begun[seat] as Word).add(1);
}

/** The letter is written, and about to be put. */
export function sealed({ seat }: Flow, delivery: Delivery, serial: number, letter: Letter): void {
  if (isFragile(letter)) mark(delivery, seat, serial, FRAGILE);
}

/** The put has returned; `isIn`: without an error. */
export function ended({ seat }: Flow, delivery: Delivery, serial: number, isIn: boolean): void {
  if (!isIn) mark(delivery, seat, serial, REFUSED);
  (delivery.done[seat] as Word).value = serial + 1;
}

/** The flow has taken the letter. */
export function taken(flow: Flow, delivery: Delivery, letter: Letter, what: string): void {
  const { from, serial, fault } = read(letter);
  const which = `${what}: letter ${serial} of flow ${from}`;
  if (fault !== undefined) flow.violated(`${which}: ${fault}`);
  const first = delivery.before[from]?.value ?? Number.POSITIVE_INFINITY;
  if (!(serial >= first && serial < countOf(delivery.begun, from))) {
    flow.violated(`${which} was taken, and nobody has put it since the last rest`);
    return;
  }
  const was = Atomics.add(delivery.marks.view, placeOf(delivery, from, serial), 1);
  if ((was & TIMES) !== 0) flow.violated(`${which} was taken twice`);
  if ((was & REFUSED) !== 0) flow.violated(`${which} was taken, and its put was refused`);
  const order = latest.get(flow) ?? new Map<string, number>();
  latest.set(flow, order);
  const line = `${what} ${from}`;
  const last = order.get(line) ?? -1;
  if (last >= serial) flow.violated(`${which} was taken by flow ${flow.seat} after letter ${last}`);
  order.set(line, serial);
}

/** The seat's flow was killed; `taking`: it may have had a letter in hand. */
export function lose(delivery: Delivery, seat: number, taking: boolean): void {
  const { before, begun, done, lost, orphaned, marks } = delivery;
  if (taking) lost.add(1);
  const end = countOf(begun, seat);
  if (countOf(done, seat) !== end) mark(delivery, seat, end - 1, IN_DOUBT);
  (done[seat] as Word).value = end;
  for (let serial = countOf(before, seat); serial < end; serial++) {
    const was = marks.at(placeOf(delivery, seat, serial));
    if ((was & FRAGILE) !== 0 && (was & TIMES) === 0) orphaned.add(1);
  }
}

/**
 * All flows rest, and nothing is left to be taken. Reports letters that were lost without a death,
 * and starts again.
 */
export function checkDelivery(flow: Flow, delivery: Delivery, what: string): void {
  const { before, begun, marks, lost, unreadable, orphaned } = delivery;
  const missing: string[] = [];
  for (const [seat, all] of begun.entries()) {
    for (let serial = countOf(before, seat); serial < all.value; serial++) {
      const was = marks.at(placeOf(delivery, seat, serial));
      if ((was & (TIMES | REFUSED | IN_DOUBT)) === 0) missing.push(`${serial} of flow ${seat}`);
    }
    (before[seat] as Word).value = all.value;
  }
  if (missing.length > lost.value + unreadable.value) {
    flow.violated(
      `${what}: letters ${missing.join(', ')} are lost; ${lost.value} takers were killed, ${unreadable.value} were unreadable`,
    );
  }
  if (unreadable.value > orphaned.value) {
    flow.violated(
      `${what}: ${unreadable.value} letters were unreadable, of dead writers there were ${orphaned.value}`,
    );
  }
  marks.view.fill(0);
  for (const each of [lost, unreadable, orphaned]) each.value = 0;
}

function mark(delivery: Delivery, seat: number, serial: number, bit: number): void {
  Atomics.or(delivery.marks.view, placeOf(delivery, seat, serial), bit);
}

function placeOf({ before }: Delivery, seat: number, serial: number): number {
  return seat * MOST + serial - countOf(before, seat);
}

function countOf(of: readonly Word[], seat: number): number {
  return (of[seat] as Word).value;
}
