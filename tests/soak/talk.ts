/**
 * Talk: letters through a pipe between two flows. The speaker ends with a farewell, and closes. A
 * flow may be killed, or go before the end, and says so: only then may the other find nobody there.
 */

import {
  BrokenPipeError,
  type Connection,
  EndOfStreamError,
  StaleHandleError,
  TimedOutError,
} from 'lockstep';
import type { Word } from '../support/words.ts';
import { describeMark, isDead } from './board.ts';
import type { Flow } from './flow.ts';
import { type Letter, note, read, write } from './letter.ts';

/** A flow that takes part. */
export interface Partner {
  seat: number;
  mark: number;
}

export interface Talk {
  end: Connection;
  number: number;
  partner: Partner;
  /** The highest number of a talk from which this side has gone before its end, and the other. */
  gone: Word;
  partnerGone: Word;
}

const MOST_LETTERS = 40;
const MOST_QUESTIONS = 10;
/** More than a quarter of a pipe's bytes goes by a file of its own; some letters fill it. */
const LONGEST = 300_000;
const FAREWELL = -1;
/**
 * Milliseconds within which the other side has done its part, or is known to be gone: it does
 * nothing else meanwhile.
 */
const PATIENCE = 30_000;
/** Instead of a letter: the other side has gone. */
const END: unique symbol = Symbol('end');
/** Instead of a letter: its content is lost with its writer. */
const UNREADABLE: unique symbol = Symbol('unreadable');

/** Sends letters to the end, unless the other goes. */
export async function tells(flow: Flow, talk: Talk): Promise<void> {
  const count = flow.random.below(MOST_LETTERS);
  for (let serial = 0; serial < count; serial++) {
    // The items of a pipe keep nothing alive when its sender has closed it.
    const letter = write(flow.random, flow.seat, serial, { longest: LONGEST, keepsakes: false });
    if (!(await sends(flow, talk, letter))) return;
  }
  await sends(flow, talk, note(flow.seat, FAREWELL));
}

/** Receives all, in order, unless it goes itself. */
export async function hears(flow: Flow, talk: Talk): Promise<void> {
  const patience = patienceOf(flow);
  for (let serial = 0; serial < patience; serial++) if (!(await hearsOne(flow, talk, serial))) return;
  leaves(talk);
}

/** Sends letters, and receives an answer to each. */
export async function asks(flow: Flow, talk: Talk): Promise<void> {
  const count = flow.random.below(MOST_QUESTIONS);
  for (let serial = 0; serial < count; serial++) {
    const letter = write(flow.random, flow.seat, serial, { longest: LONGEST, keepsakes: true });
    if (!(await sends(flow, talk, letter)) || !(await hearsOne(flow, talk, serial))) return;
  }
  await sends(flow, talk, note(flow.seat, FAREWELL));
}

/** Receives letters, and answers each, unless it goes itself. */
export async function answers(flow: Flow, talk: Talk): Promise<void> {
  const patience = patienceOf(flow);
  for (let serial = 0; serial < patience; serial++) {
    if (!(await hearsOne(flow, talk, serial))) return;
    if (!(await sends(flow, talk, note(flow.seat, serial)))) return;
  }
  leaves(talk);
}

/** Sends without giving up. `false`: nobody is there. */
export async function sends(flow: Flow, talk: Talk, value: Letter | Partner): Promise<boolean> {
  return await inTime(flow, talk, () => sendsAtLast(flow, talk, value));
}

async function sendsAtLast(flow: Flow, talk: Talk, value: Letter | Partner): Promise<boolean> {
  const { end } = talk;
  for (;;) {
    try {
      if (value instanceof Uint8Array && flow.random.percent(50)) {
        await flow.wait(
          () => end.sendBytes(value),
          () => end.sendBytesSync(value),
        );
        return true;
      }
      const outcome = await flow.wait(
        (options) => end.send(value, options),
        (options) => end.sendSync(value, options),
      );
      if (outcome !== null) return true;
    } catch (error) {
      if (error instanceof BrokenPipeError) {
        checkGone(flow, talk, 'could not be sent to');
        return false;
      }
      if (!(error instanceof TimedOutError)) throw error;
    }
  }
}

/** Receives the next letter. `false`: it was the last, or nobody is there. */
async function hearsOne(flow: Flow, talk: Talk, expected: number): Promise<boolean> {
  const letter = await receives(flow, talk);
  if (letter === END || letter === UNREADABLE) {
    checkGone(flow, talk, letter === END ? `came to its end before letter ${expected}` : 'was unreadable');
    return letter !== END;
  }
  const { from, serial, fault } = read(letter);
  const what = `Pipe: letter ${serial} of flow ${from}`;
  if (fault !== undefined) flow.violated(`${what}: ${fault}`);
  if (from !== talk.partner.seat) flow.violated(`${what} was sent to another than flow ${flow.seat}`);
  if (serial === FAREWELL) {
    if ((await receives(flow, talk)) !== END) flow.violated(`${what} came after its farewell`);
    return false;
  }
  if (serial !== expected) flow.violated(`${what} came in place of letter ${expected}`);
  return true;
}

type Received = Letter | typeof END | typeof UNREADABLE;

/** Receives without giving up. */
async function receives(flow: Flow, talk: Talk): Promise<Received> {
  return await inTime(flow, talk, () => receivesAtLast(flow, talk));
}

async function receivesAtLast(flow: Flow, { end }: Talk): Promise<Received> {
  for (;;) {
    try {
      if (flow.random.percent(10)) {
        await flow.wait(
          (options) => end.poll(options),
          (options) => end.pollSync(options),
        );
      }
      const letter = await flow.wait(
        (options) => end.recv(options),
        (options) => end.recvSync(options),
      );
      if (letter !== null) return letter as Letter;
    } catch (error) {
      if (error instanceof EndOfStreamError) return END;
      if (error instanceof StaleHandleError) return UNREADABLE;
      if (!(error instanceof TimedOutError)) throw error;
    }
  }
}

async function inTime<Outcome>(flow: Flow, talk: Talk, act: () => Promise<Outcome>): Promise<Outcome> {
  const since = performance.now();
  const outcome = await act();
  const time = Math.round(performance.now() - since);
  if (time > PATIENCE) {
    const { partner, number, end } = talk;
    flow.violated(
      `Pipe: talk ${number} with ${describeMark(partner.mark)} stood still for ${time} ms: ${end}`,
    );
  }
  return outcome;
}

/** Letters after which it goes, whatever comes. */
function patienceOf({ random }: Flow): number {
  return random.percent(20) ? random.below(MOST_QUESTIONS) : Number.POSITIVE_INFINITY;
}

/**
 * Says that it goes before the end. A member that comes back late from an older talk says nothing
 * new.
 */
function leaves({ gone, number }: Talk): void {
  for (let seen = gone.value; seen < number; seen = gone.value) gone.compareExchange(seen, number);
}

function checkGone(flow: Flow, { partner, partnerGone, number, end }: Talk, what: string): void {
  if (isDead(flow.board, partner.mark) || partnerGone.value >= number) return;
  flow.violated(`Pipe: talk ${number} with ${describeMark(partner.mark)}, who is there, ${what}: ${end}`);
}
