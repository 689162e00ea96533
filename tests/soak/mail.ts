/** Mail: a queue, in all the ways in which letters are put into it and taken out of it. */

import {
  type Queue,
  QueueEmptyError,
  QueueFullError,
  StaleHandleError,
  waitAny,
  waitAnySync,
} from 'lockstep';
import { type Word, word } from '../support/words.ts';
import type { Player } from './act.ts';
import { begin, type Delivery, ended, makeDelivery, mayPut, sealed, taken } from './delivery.ts';
import type { Flow } from './flow.ts';
import { type Letter, note, write } from './letter.ts';

export const PUTS = 1;
export const TAKES = 2;
/** Milliseconds within which a waiter has come once it can continue. */
const PATIENCE = 30_000;

export interface Mail<Box extends Queue<Letter> = Queue<Letter>> {
  queue: Box;
  delivery: Delivery;
  /** When a flow was first seen waiting needlessly. */
  stuckSince: Word;
}

export function makeMail<Box extends Queue<Letter>>(queue: Box): Mail<Box> {
  return { queue, delivery: makeDelivery(), stuckSince: word() };
}

/** Puts a letter in one way or another. */
export async function puts(flow: Flow, { queue, delivery }: Mail, longest: number): Promise<void> {
  if (!mayPut(flow, delivery)) return;
  flow.at(PUTS);
  const serial = begin(flow, delivery);
  const letter = write(flow.random, flow.seat, serial, { longest, keepsakes: true });
  sealed(flow, delivery, serial, letter);
  ended(flow, delivery, serial, await isPut(flow, queue, letter));
}

/** Takes a letter in one way or another. Returns whether it took one. */
export async function takes(flow: Flow, { queue, delivery }: Mail, what: string): Promise<boolean> {
  flow.at(TAKES);
  try {
    const letter = await get(flow, queue);
    if (letter === undefined) return false;
    taken(flow, delivery, letter, what);
    return true;
  } catch (error) {
    if (error instanceof QueueEmptyError) return false;
    if (!(error instanceof StaleHandleError)) throw error;
    delivery.unreadable.add(1);
    return true;
  }
}

/** Frees flows that wait for an item, or for room. Returns whether it took a letter. */
export async function relieveMail(
  flow: Flow,
  mail: Mail,
  here: readonly Player[],
  what: string,
): Promise<boolean> {
  const { queue } = mail;
  const hungry = here.some(({ phase }) => phase === TAKES);
  const stuffed = here.some(({ phase }) => phase === PUTS);
  if (!hungry && !stuffed) return false;
  const who = hungry ? 'consumers' : 'producers';
  if (hungry === queue.empty) mail.stuckSince.value = 0;
  else if (!isStuck(flow, mail, `${what}: ${who} wait, and need not: ${queue}`)) return false;
  if (!hungry) return await takes(flow, mail, what);
  const serial = begin(flow, mail.delivery);
  ended(flow, mail.delivery, serial, queue.tryPut(note(flow.seat, serial)));
  return false;
}

/** Reports once what has been so for too long. */
export function isStuck(flow: Flow, { stuckSince }: Mail, text: string): boolean {
  const now = Math.ceil(performance.now());
  if (stuckSince.value === 0) stuckSince.value = now;
  if (now - stuckSince.value < PATIENCE) return false;
  flow.violated(text);
  stuckSince.value = 0;
  return true;
}

async function isPut(flow: Flow, queue: Queue<Letter>, letter: Letter): Promise<boolean> {
  if (flow.random.percent(10)) return queue.tryPut(letter);
  try {
    const outcome = await flow.wait(
      (options) => queue.put(letter, options),
      (options) => queue.putSync(letter, options),
    );
    return outcome !== null;
  } catch (error) {
    if (error instanceof QueueFullError) return false;
    throw error;
  }
}

/** `undefined`: the flow has given up, or found nothing. Throws `QueueEmptyError`, too. */
async function get(flow: Flow, queue: Queue<Letter>): Promise<Letter | undefined> {
  const odds = flow.random.below(100);
  if (odds >= 20) {
    const letter = await flow.wait(
      (options) => queue.get(options),
      (options) => queue.getSync(options),
    );
    return letter ?? undefined;
  }
  if (odds < 10) {
    await flow.wait(
      (options) => waitAny([queue], options),
      (options) => waitAnySync([queue], options),
    );
  }
  return queue.tryGet() ?? undefined;
}
