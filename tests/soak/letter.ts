/**
 * Letter: one message. Its content follows from its writer and its number, so its reader sees
 * whether it is whole.
 */

import { Value } from 'lockstep';
import type { Word } from '../support/words.ts';
import type { Random } from './random.ts';

interface Page {
  from: number;
  serial: number;
  /** Length of `text`. */
  length: number;
  text: string;
  /** A Map does not go straight into shared memory: all of the letter then takes the other way. */
  copies?: Map<number, string>;
  /**
   * Has the serial number as its value. Made for this letter, nobody but the queue or pipe keeps
   * it.
   */
  keepsake?: Word;
}

/** A page, or bytes: from, serial, length as 32-bit integers, then the content. */
export type Letter = Page | Uint8Array;

/** The facts in a letter. */
export interface Reading {
  from: number;
  serial: number;
  /** Its fault. */
  fault: string | undefined;
}

const HEADING = 12;

export interface Stationery {
  /** Bytes of content that a letter has at most, now and then. */
  longest: number;
  /** Whether there may be a keepsake in it. */
  keepsakes: boolean;
}

/** A letter of any shape. */
export function write(
  random: Random,
  from: number,
  serial: number,
  { longest, keepsakes }: Stationery,
): Letter {
  const length = random.below(pickBound(random, longest));
  if (random.percent(15)) return bytesOf(from, serial, length);
  const page: Page = { from, serial, length, text: textOf(from, serial, length) };
  if (random.percent(15)) page.copies = new Map([[serial, page.text]]);
  if (keepsakes && random.percent(10)) page.keepsake = new Value('i32', serial, { lock: false });
  return page;
}

/** The smallest letter. */
export function note(from: number, serial: number): Letter {
  return { from, serial, length: 0, text: '' };
}

/** Whether it can only be read while its writer lives. */
export function isFragile(letter: Letter): boolean {
  return !(letter instanceof Uint8Array) && letter.keepsake !== undefined;
}

/** Reads a letter to its end, and throws it away. */
export function read(letter: Letter): Reading {
  return letter instanceof Uint8Array ? readBytes(letter) : readPage(letter);
}

function pickBound(random: Random, longest: number): number {
  const odds = random.below(100);
  if (odds < 70) return 100;
  return odds < 95 ? longest / 16 : longest;
}

function readPage({ from, serial, length, text, copies, keepsake }: Page): Reading {
  const whole = textOf(from, serial, length);
  let fault: string | undefined;
  if (text !== whole) fault = `its text of ${text?.length} is not that of ${length} that was written`;
  else if (copies !== undefined && copies.get(serial) !== whole) fault = 'its copy is another';
  else if (keepsake !== undefined && keepsake.value !== serial) fault = `its keepsake is ${keepsake}`;
  keepsake?.close();
  return { from, serial, fault };
}

function readBytes(bytes: Uint8Array): Reading {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [from, serial, length] = [view.getInt32(0), view.getInt32(4), view.getInt32(8)];
  const whole =
    bytes.length === HEADING + length && Buffer.compare(bytes, bytesOf(from, serial, length)) === 0;
  return { from, serial, fault: whole ? undefined : `its ${bytes.length} bytes are not those written` };
}

function bytesOf(from: number, serial: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(HEADING + length, `${from}/${serial}/`, 'latin1');
  bytes.writeInt32BE(from, 0);
  bytes.writeInt32BE(serial, 4);
  bytes.writeInt32BE(length, 8);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function textOf(from: number, serial: number, length: number): string {
  const word = `${from}:${serial};`;
  return word.repeat(Math.ceil(length / word.length)).slice(0, length);
}
