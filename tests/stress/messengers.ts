/**
 * The programs of a queue's producers and consumers. An item is a number: the producer's seat and
 * how many it has put before. A consumer writes each item that it has taken into a file of its own
 * at once: that outlives a SIGKILL, but for the one item in hand.
 */

import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Queue } from 'lockstep';
import type { Style } from '../support/backends/backend.ts';
import type { Word } from '../support/words.ts';

/** More than any producer puts. */
const SPAN = 2 ** 40;

/** Puts `count` items. */
export async function puts(queue: Queue<number>, seat: number, count: number, style: Style): Promise<void> {
  for (let index = 0; index < count; index++) {
    if (style === 'blocking') queue.putSync(seat * SPAN + index);
    else await queue.put(seat * SPAN + index);
  }
}

/**
 * Puts items until it is enough; goes on where the one before died, past the item that this one had
 * in hand.
 */
export async function putsOn(
  queue: Queue<number>,
  seat: number,
  { begun, done, enough }: Progress,
  style: Style,
): Promise<void> {
  while (enough.value === 0) {
    const index = (begun[seat] as Word).add(1);
    if (style === 'blocking') queue.putSync(seat * SPAN + index);
    else await queue.put(seat * SPAN + index);
    (done[seat] as Word).add(1);
  }
}

/** How far the producers are. */
export interface Progress {
  /** Items of each that it has begun to put, and those of which it knows that they are in. */
  begun: Word[];
  done: Word[];
  enough: Word;
}

/** Takes items until the queue was closed and is empty; writes them into a file of the folder. */
export async function takes(queue: Queue<number>, folder: string, name: string, style: Style): Promise<void> {
  const file = openSync(join(folder, name), 'wx');
  const item = new Float64Array(1);
  const note = (taken: number): void => {
    item[0] = taken;
    writeSync(file, item);
  };
  if (style === 'blocking') for (const taken of queue) note(taken);
  else for await (const taken of queue) note(taken);
  closeSync(file);
}

/** The items that the consumers have written down. */
export interface Taken {
  /** Of each producer: how often each of its items was taken. */
  readonly times: readonly number[][];
  /** Items that a consumer took after a later one of the same producer. */
  readonly disordered: number;
}

export function readTaken(folder: string, producers: number): Taken {
  const times = Array.from({ length: producers }, (): number[] => []);
  let disordered = 0;
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    const latest = new Array<number>(producers).fill(-1);
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      const item = bytes.readDoubleLE(at);
      const [seat, index] = [Math.floor(item / SPAN), item % SPAN];
      if (index <= latest[seat]!) disordered++;
      latest[seat] = index;
      const of = times[seat]!;
      while (of.length < index) of.push(0);
      of[index] = (of[index] ?? 0) + 1;
    }
  }
  return { times, disordered };
}

/**
 * Bytes of the item: small ones mostly, some that lie in the ring in another way, and some that
 * don't fit into it.
 */
function sizeOf(seat: number, index: number): number {
  const sizes = [0, 7, 300, 5_000, 70_000, 200_000, 262_130, 262_140, 300_000, 1_048_576, 2_097_152];
  return index % 4 === 0 ? sizes[(index / 4 + seat) % sizes.length]! : (index * 37) % 200;
}

export interface Load {
  seat: number;
  index: number;
  text: string;
  bytes: Uint8Array | null;
}

/** Puts items of all sizes. */
export async function putsLoads(
  queue: Queue<Load>,
  seat: number,
  count: number,
  style: Style,
): Promise<void> {
  for (let index = 0; index < count; index++) {
    const size = sizeOf(seat, index);
    const narrow = index % 3 === 0;
    const load = {
      seat,
      index,
      text: narrow ? '' : 'x'.repeat(size),
      bytes: narrow ? new Uint8Array(size).fill(index) : null,
    };
    if (style === 'blocking') queue.putSync(load);
    else await queue.put(load);
  }
}

/**
 * Takes items of all sizes until the queue was closed and is empty; resolves to those it took,
 * `seat:index`, and those not as they should be.
 */
export async function takesLoads(
  queue: Queue<Load>,
  style: Style,
): Promise<{ taken: string[]; wrong: string[] }> {
  const taken: string[] = [];
  const wrong: string[] = [];
  const check = ({ seat, index, text, bytes }: Load): void => {
    const size = sizeOf(seat, index);
    const sound =
      bytes === null
        ? text === 'x'.repeat(size)
        : Buffer.compare(bytes, new Uint8Array(size).fill(index)) === 0;
    taken.push(`${seat}:${index}`);
    if (!sound) wrong.push(`${seat}:${index}, ${bytes?.length ?? text.length} instead of ${size}`);
  };
  if (style === 'blocking') for (const load of queue) check(load);
  else for await (const load of queue) check(load);
  return { taken, wrong };
}
