/**
 * Copy: a namespace's segments as they were at nearly one moment, read from the files, never
 * mapped. It locks, joins and writes nothing, so it works in a namespace in which every thread is
 * stuck, and changes nothing. A file that is truncated while it is read does no harm; with a
 * mapping, it would kill the program.
 *
 * Damaged words can't lead outside the bytes that were read: `find` knows no other cells.
 */

import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import type { Words } from '../memory/atomics.ts';
import {
  AGENT_SLOTS,
  BUMP_WORD,
  CELL_WORDS,
  cellsBelow,
  cellWord,
  HIGH_SLOT_WORD,
  LAYOUT_VERSION,
  MAGIC,
  MAGIC_WORD,
  MAX_SEGMENTS,
  SEGMENTS_WORD,
  segmentBytes,
  segmentOf,
  VERSION_WORD,
} from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import { CONTROL } from '../namespaces/paths.ts';
import type { CellsView, NamespaceView } from '../namespaces/view.ts';

/**
 * How all files are opened: to read, never through a link, and never waiting for a FIFO's writer.
 */
export const READ_ONLY: number =
  constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** A file of a namespace, opened to read. */
export interface FileIdentity {
  /** Device and inode, as /proc/locks has them. */
  readonly device: number;
  readonly inode: number;
}

/** Cells that lie one after the other in one segment. */
export interface CellRun {
  readonly words: Words;
  /** Word at which the first cell begins. */
  readonly at: number;
  /** Number of the first cell. */
  readonly first: number;
  readonly count: number;
}

interface CellsCopy extends CellsView {
  /** All cells that were read. */
  readonly runs: readonly CellRun[];
}

export interface NamespaceCopy extends NamespaceView {
  readonly control: FileIdentity;
  readonly arena: CellsCopy;
  /** The faults that were found, in words; empty if there are none. */
  readonly damage: readonly string[];
}

/** A namespace of another layout, or none at all. */
export interface Unreadable {
  /** Its layout's version; `null` where it has none. */
  readonly layout: number | null;
  readonly why: string;
  readonly control: FileIdentity | undefined;
}

/** Reads the namespace of that folder; `undefined` if it no longer exists. */
export function copyNamespace(folder: string): NamespaceCopy | Unreadable | undefined {
  const damage: string[] = [];
  const read = readSegment(`${folder}/${CONTROL}`, segmentBytes(0));
  if (read === undefined) {
    const there = lstatSync(folder, { throwIfNoEntry: false }) !== undefined;
    return there ? { layout: null, why: 'it has no control segment', control: undefined } : undefined;
  }
  const { words, identity } = read;
  if (words.length <= VERSION_WORD || words[MAGIC_WORD] !== MAGIC) {
    return {
      layout: null,
      why: "its control segment does not begin with Lockstep's magic number",
      control: identity,
    };
  }
  const layout = words[VERSION_WORD]!;
  if (layout !== LAYOUT_VERSION) {
    return {
      layout,
      why: `its layout is ${layout}, and this Lockstep reads ${LAYOUT_VERSION}`,
      control: identity,
    };
  }
  if (words.length * 4 < segmentBytes(0)) {
    return { layout, why: `its control segment was cut to ${words.length * 4} bytes`, control: identity };
  }
  return {
    words,
    control: identity,
    highSlot: highSlotOf(words),
    arena: copyCells(folder, words, damage),
    damage,
  };
}

function highSlotOf(words: Words): number {
  const high = words[HIGH_SLOT_WORD]!;
  return high >= 0 && high < AGENT_SLOTS ? high : AGENT_SLOTS - 1;
}

function copyCells(folder: string, control: Words, damage: string[]): CellsCopy {
  const segments: Words[] = [control];
  const added = control[SEGMENTS_WORD]!;
  const bump = control[BUMP_WORD]!;
  const sound = added >= 0 && added < MAX_SEGMENTS && bump >= 0 && bump <= cellsBelow(added + 1);
  if (!sound) damage.push(`it says that it has ${added} segments and ${bump} cells, which can't be`);
  // If the number of cells is unknown, read all existing files.
  const last = sound ? (bump === 0 ? 0 : segmentOf(bump)) : MAX_SEGMENTS - 1;
  let reach = sound ? bump : cellsBelow(1);
  for (let index = 1; index <= last; index++) {
    const most = sound && index === last ? (cellWord(bump) + CELL_WORDS) * 4 : segmentBytes(index);
    const read = readSegment(`${folder}/cells-${index}`, most);
    if (read === undefined) {
      if (sound) damage.push(`its segment ${index} is missing`);
      reach = Math.min(reach, cellsBelow(index));
      break;
    }
    if (read.words.length * 4 < most) damage.push(`its segment ${index} was cut`);
    segments.push(read.words);
    if (!sound) reach = cellsBelow(index + 1);
  }
  return {
    reach,
    runs: segments.map((words, index) => {
      const first = cellsBelow(index) + 1;
      const at = cellWord(first);
      const there = Math.max(0, Math.floor((words.length - at) / CELL_WORDS));
      return { words, at, first, count: Math.max(0, Math.min(there, reach - first + 1)) };
    }),
    find(number: number): Place | undefined {
      if (!(Number.isInteger(number) && number >= 1 && number <= reach)) return undefined;
      const words = segments[segmentOf(number)];
      const at = cellWord(number);
      return words === undefined || at + CELL_WORDS > words.length ? undefined : { number, words, at };
    },
  };
}

/** Whether `count` words from `atA` and `atB` on are the same. */
export function sameWords(a: Words, atA: number, b: Words, atB: number, count: number): boolean {
  if (atA + count > a.length || atB + count > b.length) return false;
  return bytesAt(a, atA, count).equals(bytesAt(b, atB, count));
}

function bytesAt({ buffer, byteOffset }: Words, at: number, count: number): Buffer {
  return Buffer.from(buffer, byteOffset + at * 4, count * 4);
}

/**
 * The first `most` bytes of the file, or as many as there are; `undefined` if there is no such
 * file.
 *
 * @param followsLink whether the path may be a link, as those of /proc to the files of a process
 */
export function readSegment(
  path: string,
  most: number,
  followsLink = false,
): { words: Words; identity: FileIdentity } | undefined {
  let fd: number;
  try {
    fd = openSync(path, followsLink ? READ_ONLY & ~constants.O_NOFOLLOW : READ_ONLY);
  } catch {
    // The file is gone, or this user may not read it. There is nothing to report.
    return undefined;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return undefined;
    const bytes = new Uint8Array(new ArrayBuffer(Math.min(most, stats.size) & ~3));
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, length);
      if (count === 0) break;
      length += count;
    }
    const words = new Int32Array(bytes.buffer, 0, length >> 2);
    return { words, identity: { device: stats.dev, inode: stats.ino } };
  } finally {
    closeSync(fd);
  }
}

/** The text of a small file; `undefined` if there is none, or it can't be read. */
export function readSmallFile(path: string, most = 65_536): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, READ_ONLY);
  } catch {
    return undefined;
  }
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    const bytes = Buffer.alloc(most);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, most, 0));
  } catch {
    // A file that can't be read is left out.
    return undefined;
  } finally {
    closeSync(fd);
  }
}
