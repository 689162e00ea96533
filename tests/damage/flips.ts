/** Flips: damages words of a namespace's files, by chance. */

import { closeSync, fstatSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../soak/random.ts';
import { layout } from '../support/internals.ts';

const { AGENT_WORDS, agentWord, BUMP_WORD, CELL_WORDS, cellWord, CONTROL_HEADER_WORDS, HIGH_SLOT_WORD } =
  layout;

const WORD = 4;
/** Header words that mean something. */
const HEADER_WORDS = 20;
/** Words of a file of data in which a ring's own words lie. */
const RING_WORDS = 80;
/** Words that are wrong in many places, and right in some. */
const ODD = [
  -1,
  0,
  1,
  2,
  3,
  39,
  255,
  256,
  65_536,
  0x3fffffff,
  0x7fffffff,
  -0x80000000,
  1 << 30,
  1 << 29,
  1 << 28,
];

/** Damages one word of the folder; returns what it did. */
export function flip(folder: string, random: Random): string {
  const data = readdirSync(folder).filter((file) => /^(data|item)-/.test(file));
  const file = data.length > 0 && random.percent(35) ? random.pick(data) : 'control';
  const fd = openSync(join(folder, file), 'r+');
  try {
    const words = Math.floor(fstatSync(fd).size / WORD);
    if (words === 0) return `${file} is empty`;
    const at = file === 'control' ? inControl(fd, random) : inData(words, random);
    const before = read(fd, at);
    const after = other(fd, before, random);
    write(fd, at, after);
    return `${file} word ${at}: ${before} -> ${after}`;
  } finally {
    closeSync(fd);
  }
}

/** A word of the header, of an agent's slot, or of a cell that was handed out. */
function inControl(fd: number, random: Random): number {
  const chance = random.below(100);
  if (chance < 10) return 2 + random.below(HEADER_WORDS - 2);
  if (chance < 30) {
    const high = Math.min(Math.max(read(fd, HIGH_SLOT_WORD), 1), 8);
    return agentWord(1 + random.below(high + 1)) + random.below(random.percent(50) ? 48 : AGENT_WORDS);
  }
  if (chance < 32) return random.below(CONTROL_HEADER_WORDS);
  const bump = Math.min(Math.max(read(fd, BUMP_WORD), 1), 200);
  return cellWord(1 + random.below(bump)) + random.below(CELL_WORDS);
}

function inData(words: number, random: Random): number {
  return random.below(random.percent(60) ? Math.min(words, RING_WORDS) : Math.min(words, 1024));
}

function other(fd: number, before: number, random: Random): number {
  const chance = random.below(100);
  if (chance < 40) return before ^ (1 << random.below(32));
  if (chance < 70) return random.pick(ODD);
  if (chance < 80) return read(fd, random.below(CONTROL_HEADER_WORDS));
  if (chance < 90) return (before + random.below(9) - 4) | 0;
  return random.below(2 ** 32) | 0;
}

function read(fd: number, at: number): number {
  const word = new Int32Array(1);
  readSync(fd, new Uint8Array(word.buffer), 0, WORD, at * WORD);
  return word[0]!;
}

function write(fd: number, at: number, value: number): void {
  writeSync(fd, new Uint8Array(Int32Array.of(value).buffer), 0, WORD, at * WORD);
}
