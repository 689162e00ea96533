/**
 * Rings: how many items a queue or a pipe has, read from its file. The words are read one after the
 * other while others may put and take, so the number is that of a moment only where HEAD stays.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { RingFacts } from '../messaging/ring/ring-facts.ts';
import { describeRing } from '../messaging/ring/ring-facts.ts';
import { HEAD_WORD, RING_HEADER_WORDS } from '../messaging/ring/ring-words.ts';
import { dataFile } from '../namespaces/paths.ts';
import { READ_ONLY } from './copy.ts';
import type { NamespaceSnapshot, ObjectSnapshot } from './types.ts';

const CHANNELS: ReadonlySet<string> = new Set(['Pipe', 'Queue', 'JoinableQueue', 'SimpleQueue']);
/** Looks until HEAD stays. */
const LOOKS = 5;

/** The contents of that object; `undefined` for other kinds, and where they can't be read. */
export function readRing(
  { folder }: NamespaceSnapshot,
  { kind, cell, generation }: ObjectSnapshot,
): RingFacts | undefined {
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

function readOnce(fd: number): RingFacts | 'changing' | undefined {
  const header = wordsAt(fd, 0, RING_HEADER_WORDS);
  let looks = 0;
  // The header is read at once; HEAD again, where it is asked for a second time.
  return describeRing((index) =>
    index < RING_HEADER_WORDS && !(index === HEAD_WORD && looks++ > 0)
      ? header?.[index]
      : wordsAt(fd, index * 4, 1)?.[0],
  );
}

function wordsAt(fd: number, from: number, count: number): Int32Array | undefined {
  const words = new Int32Array(count);
  return readSync(fd, words, 0, words.byteLength, from) < words.byteLength ? undefined : words;
}
