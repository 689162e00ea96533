/** DecodeObjects: shared objects, read from two copies of a namespace. */

import type { Words } from '../memory/atomics.ts';
import { CELL_GENERATION, CELL_WORDS } from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import { CellReader } from './cell-reader.ts';
import type { NamespaceCopy } from './copy.ts';
import { sameWords } from './copy.ts';
import type { Raw } from './decode-agents.ts';
import type { KindSeen } from './kinds.ts';
import { readTexts } from './object-texts.ts';
import type { ObjectSnapshot } from './types.ts';

/** Cells that one call compares. */
const STRIDE = 128;
const NO_WORDS: Words = new Int32Array(0);

/** The live objects, with the waits of each. */
export function readObjects(
  folder: string,
  before: NamespaceCopy,
  copy: NamespaceCopy,
  entries: ReadonlyMap<number, readonly Raw[]>,
): ObjectSnapshot[] {
  const reader = new CellReader(copy);
  const objects: Writable<ObjectSnapshot>[] = [];
  const parts = new Map<number, Part>();
  for (const [index, { words, at: begin, first, count }] of copy.arena.runs.entries()) {
    const was = before.arena.runs[index]?.words ?? NO_WORDS;
    for (let offset = 0; offset < count; offset += STRIDE) {
      const cells = Math.min(STRIDE, count - offset);
      const from = begin + offset * CELL_WORDS;
      const isSteady = sameWords(was, from, words, from, cells * CELL_WORDS);
      // Objects in a row are often free, with the same words: read only the first.
      const areAlike = sameWords(words, from, words, from + CELL_WORDS, (cells - 1) * CELL_WORDS);
      let cell = first + offset;
      let read = reader.read(cell, words, from);
      for (let at = from; at < from + cells * CELL_WORDS; at += CELL_WORDS, cell++) {
        if (!areAlike && at > from) read = reader.read(cell, words, at);
        if (read === undefined) continue;
        const { kind, object: seen, hasChain } = read;
        const object = { ...seen, cell, title: titleOf(seen.kind, cell) };
        if (!isSteady) object.steady = sameWords(was, at, words, at, CELL_WORDS);
        if (hasChain && object.steady) object.steady = isSameChain(kind, before, object);
        if (kind.parts !== undefined) noteParts(kind.parts, copy, { number: cell, words, at }, parts);
        objects.push(object);
      }
    }
  }
  noteWaiting(objects, entries);
  noteTexts(objects, folder);
  noteWholes(objects, parts);
  return objects;
}

/** Whether the chain of the object named the same holders before. */
function isSameChain(kind: KindSeen, before: NamespaceCopy, { cell, holders }: ObjectSnapshot): boolean {
  const was = before.arena.find(cell);
  return was !== undefined && JSON.stringify(kind.describe(before, was).holders) === JSON.stringify(holders);
}

/** Adds up the calls that wait for each object. */
function noteWaiting(
  objects: Writable<ObjectSnapshot>[],
  entries: ReadonlyMap<number, readonly Raw[]>,
): void {
  const waiting = new Map<number, number>();
  for (const raws of entries.values())
    for (const { wait } of raws) waiting.set(wait.cell, (waiting.get(wait.cell) ?? 0) + wait.calls);
  for (const [cell, calls] of waiting) {
    const object = findObject(objects, cell);
    if (object !== undefined) object.waiting = calls;
  }
}

function noteTexts(objects: Writable<ObjectSnapshot>[], folder: string): void {
  for (const { cell, generation, name, label } of readTexts(folder)) {
    const object = findObject(objects, cell);
    // The text may belong to an object that had this cell before.
    if (object?.generation !== generation) continue;
    object.name ??= name;
    object.label ??= label;
    object.title = titleOf(object.kind, cell, object.name, object.label);
  }
}

/** Finds the object of the cell in a list that is sorted by cell. */
function findObject(objects: Writable<ObjectSnapshot>[], cell: number): Writable<ObjectSnapshot> | undefined {
  let low = 0;
  for (let high = objects.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (objects[middle]!.cell < cell) low = middle + 1;
    else high = middle;
  }
  return objects[low]?.cell === cell ? objects[low] : undefined;
}

type Part = NonNullable<ObjectSnapshot['part']>;

/** Notes the cells that are parts of the object. */
function noteParts(
  words: NonNullable<KindSeen['parts']>,
  copy: NamespaceCopy,
  whole: Place,
  parts: Map<number, Part>,
): void {
  for (const [word, role] of words) {
    const part = copy.arena.find(whole.words[whole.at + word]!);
    if (part === undefined || part.number === whole.number) continue;
    if (part.words[part.at + CELL_GENERATION] === whole.words[whole.at + word + 1])
      parts.set(part.number, { of: whole.number, role });
  }
}

const ROLES: Readonly<Record<string, string>> = {
  lock: 'its lock',
  'put lock': 'the turn to put',
  room: 'room to put',
  join: 'its items to be done',
  producers: 'its producers',
};

/** The aim of a wait for that part of an object: `room to put`. */
export function roleText(role: string): string {
  return ROLES[role] ?? role;
}

/** Gives each part a title that names the object to which it belongs. */
function noteWholes(objects: Writable<ObjectSnapshot>[], parts: ReadonlyMap<number, Part>): void {
  const found: Writable<ObjectSnapshot>[] = [];
  for (const [cell, part] of parts) {
    const object = findObject(objects, cell);
    if (object === undefined) continue;
    object.part = part;
    found.push(object);
  }
  for (const object of found) {
    let whole: ObjectSnapshot | undefined = object;
    // A gate of a gate of a queue is the deepest there is.
    for (let depth = 0; depth < 3 && whole?.part; depth++) whole = findObject(objects, whole.part.of);
    if (whole === undefined || object.name !== null) continue;
    const { kind, cell, name, label } = whole;
    object.title = `${titleOf(kind, cell, name, label)}, ${roleText(object.part!.role)}`;
  }
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

function titleOf(
  kind: string,
  cell: number,
  name: string | null = null,
  label: string | null = null,
): string {
  if (name !== null) return `${kind} ${JSON.stringify(name)}`;
  return label === null ? `${kind} #${cell}` : `${kind} #${cell} (${label})`;
}
