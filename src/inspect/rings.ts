/**
 * Rings: how many items a queue or a pipe has, read from its file. The words are read one after the
 * other while others may put and take, so the number is that of a moment only where HEAD stays.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import {
  CAPACITY_WORD,
  DONE_WORD,
  END_WORD,
  HEAD_WORD,
  MOST_WORD,
  NUMBER_MASK,
  PUTS_WORD,
  RING_HEADER_WORDS,
  RING_MAGIC,
  SKIP,
  UNIT,
} from '../messaging/ring/ring-words.ts';
import { dataFile } from '../namespaces/paths.ts';
import { READ_ONLY } from './copy.ts';
import type { NamespaceSnapshot, ObjectSnapshot } from './types.ts';

/** The contents of a queue or pipe, in numbers. */
export interface RingSeen {
  readonly items: number;
  /** Items that it may have at most; 0: as many as its bytes can keep. */
  readonly maxSize: number;
  /** Bytes of its ring. */
  readonly capacity: number;
  /** Items put and not yet reported done, of a JoinableQueue. */
  readonly unfinished: number;
}

const CHANNELS: ReadonlySet<string> = new Set(['Pipe', 'Queue', 'JoinableQueue', 'SimpleQueue']);
/** Looks until HEAD stays. */
const LOOKS = 5;

/** The contents of that object; `undefined` for other kinds, and where they can't be read. */
export function readRing(
  { folder }: NamespaceSnapshot,
  { kind, cell, generation }: ObjectSnapshot,
): RingSeen | undefined {
  if (!CHANNELS.has(kind)) return undefined;
  let fd: number;
  try {
    fd = openSync(`${folder}/${dataFile(cell, generation)}`, READ_ONLY);
  } catch {
    // It was closed meanwhile.
    return undefined;
  }
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    for (let look = 0; look < LOOKS; look++) {
      const seen = readOnce(fd);
      if (seen !== 'changing') return seen;
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function readOnce(fd: number): RingSeen | 'changing' | undefined {
  const header = wordsAt(fd, 0, RING_HEADER_WORDS);
  if (header === undefined || header[0] !== RING_MAGIC) return undefined;
  const capacity = header[CAPACITY_WORD]!;
  if (capacity < UNIT * 2 || (capacity & (capacity - 1)) !== 0) return undefined;
  const puts = header[PUTS_WORD]!;
  const head = header[HEAD_WORD]!;
  const common = {
    maxSize: header[MOST_WORD]!,
    capacity,
    unfinished: (puts - header[DONE_WORD]!) & NUMBER_MASK,
  };
  const end = header[END_WORD + (puts & 1)]! & NUMBER_MASK;
  if (end === head) return { items: 0, ...common };
  // The oldest item has the number of items that were put before it.
  const first = wordsAt(fd, placeOf(head, capacity), 2);
  if (first === undefined) return undefined;
  const item = (first[0]! & SKIP) === 0 ? first : wordsAt(fd, placeOf(0, capacity), 2);
  if (item === undefined) return undefined;
  const again = wordsAt(fd, HEAD_WORD * 4, 1);
  if (again?.[0] !== head) return 'changing';
  const items = (puts - (item[1]! & NUMBER_MASK)) & NUMBER_MASK;
  return items > capacity / UNIT ? undefined : { items, ...common };
}

/** The byte of the file at which the unit of that position lies. */
function placeOf(position: number, capacity: number): number {
  return RING_HEADER_WORDS * 4 + (position & (capacity / UNIT - 1)) * UNIT;
}

function wordsAt(fd: number, from: number, count: number): Int32Array | undefined {
  const words = new Int32Array(count);
  return readSync(fd, words, 0, words.byteLength, from) < words.byteLength ? undefined : words;
}
