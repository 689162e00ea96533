/** DecodeObjects: shared objects, read from two copies of a namespace. */

import { readdirSync } from 'node:fs';
import type { Place } from '../memory/arena.ts';
import {
  CELL_GENERATION,
  CELL_HEADER,
  CELL_OPEN,
  CELL_WORDS,
  HAS_CHAIN_BIT,
  keptOf,
  kindOf,
  OPEN_WORDS,
  PHASE_LIVE,
  phaseOf,
} from '../memory/layout.ts';
import { LABEL_PREFIX } from '../namespaces/paths.ts';
import type { NamespaceCopy } from './copy.ts';
import { readSmallFile } from './copy.ts';
import type { Raw } from './decode-agents.ts';
import { KINDS } from './kinds.ts';
import type { ObjectSnapshot } from './types.ts';
/** The live objects, with the waits of each. */
export function readObjects(
  folder: string,
  before: NamespaceCopy,
  copy: NamespaceCopy,
  entries: Map<number, Raw[]>,
): ObjectSnapshot[] {
  const waiting = new Map<number, number>();
  for (const raws of entries.values())
    for (const { wait } of raws) waiting.set(wait.cell, (waiting.get(wait.cell) ?? 0) + wait.calls);
  const texts = readNames(folder);
  const parts = readParts(copy);
  const objects: ObjectSnapshot[] = [];
  const { reach } = copy.arena;
  for (let number = 1; number <= reach; number++) {
    const place = copy.arena.find(number);
    if (place === undefined) continue;
    const header = place.words[place.at + CELL_HEADER]!;
    const kind = phaseOf(header) === PHASE_LIVE ? KINDS.get(kindOf(header)) : undefined;
    if (kind === undefined) continue;
    const generation = place.words[place.at + CELL_GENERATION]!;
    const { holders, endedBy, over, signal, state } = kind.describe(copy, place);
    const id = texts.names.size + texts.labels.size === 0 ? '' : `${number} ${generation}`;
    objects.push({
      cell: number,
      generation,
      kind: kind.name,
      name: texts.names.get(id) ?? null,
      label: texts.labels.get(id) ?? null,
      title: '',
      part: parts.get(number) ?? null,
      openIn: openIn(copy, place),
      kept: keptOf(header),
      holders,
      endedBy,
      over: over ?? null,
      signal: signal ?? null,
      state,
      steady: isSteadyCell(
        before,
        place,
        (header & HAS_CHAIN_BIT) !== 0
          ? () => kind.describe(before, before.arena.find(number)!).holders
          : undefined,
        holders,
      ),
      waiting: waiting.get(number) ?? 0,
    });
  }
  return withTitles(objects);
}

function isSteadyCell(
  before: NamespaceCopy,
  { number, words, at }: Place,
  holdersBefore: (() => unknown) | undefined,
  holders: unknown,
): boolean {
  const was = before.arena.find(number);
  if (was === undefined) return false;
  for (let word = 0; word < CELL_WORDS; word++)
    if (was.words[was.at + word] !== words[at + word]) return false;
  return holdersBefore === undefined || JSON.stringify(holdersBefore()) === JSON.stringify(holders);
}

function openIn(copy: NamespaceCopy, { words, at }: Place): number[] {
  const slots: number[] = [];
  for (let word = 0; word < OPEN_WORDS; word++) {
    for (let bits = words[at + CELL_OPEN + word]!; bits !== 0; ) {
      const bit = bits & -bits;
      bits ^= bit;
      const slot = word * 32 + 31 - Math.clz32(bit);
      // Slot 0's bit is the pin.
      if (slot > 0 && slot <= copy.highSlot) slots.push(slot);
    }
  }
  return slots;
}

/** Cells that belong to other objects. */
function readParts(copy: NamespaceCopy): Map<number, { of: number; role: string }> {
  const parts = new Map<number, { of: number; role: string }>();
  for (let number = 1; number <= copy.arena.reach; number++) {
    const place = copy.arena.find(number);
    if (place === undefined) continue;
    const { words, at } = place;
    const header = words[at + CELL_HEADER]!;
    if (phaseOf(header) !== PHASE_LIVE) continue;
    for (const [word, role] of KINDS.get(kindOf(header))?.parts ?? []) {
      const part = copy.arena.find(words[at + word]!);
      if (part === undefined || part.number === number) continue;
      if (part.words[part.at + CELL_GENERATION] === words[at + word + 1])
        parts.set(part.number, { of: number, role });
    }
  }
  return parts;
}

/**
 * Names and labels by cell and generation: small files, renamed into place, so no lock is needed.
 */
function readNames(folder: string): { names: Map<string, string>; labels: Map<string, string> } {
  const names = new Map<string, string>();
  const labels = new Map<string, string>();
  let files: string[] = [];
  try {
    files = readdirSync(folder);
  } catch {
    // It was removed meanwhile.
  }
  for (const file of files) {
    if (file.startsWith('name-')) {
      const id = readSmallFile(`${folder}/${file}`, 64);
      if (id !== undefined) names.set(id.trim(), file.slice('name-'.length));
    } else if (file.startsWith(LABEL_PREFIX)) {
      const [generation, ...text] = readSmallFile(`${folder}/${file}`, 1024)?.split('\n') ?? [];
      const label = text.join('\n').trim();
      if (label !== '') labels.set(`${file.slice(LABEL_PREFIX.length)} ${generation}`, label);
    }
  }
  return { names, labels };
}

const ROLES: Readonly<Record<string, string>> = {
  lock: 'its lock',
  'put lock': 'the turn to put',
  room: 'room to put',
  join: 'all items done',
  producers: 'its producers',
};

/** The aim of a wait for that part of an object: `room to put`. */
export function roleText(role: string): string {
  return ROLES[role] ?? role;
}

function withTitles(objects: ObjectSnapshot[]): ObjectSnapshot[] {
  const hasParts = objects.some(({ part }) => part !== null);
  const byCell = new Map(hasParts ? objects.map((object) => [object.cell, object]) : []);
  const own = ({ kind, name, label, cell }: ObjectSnapshot): string =>
    name !== null
      ? `${kind} ${JSON.stringify(name)}`
      : label !== null
        ? `${kind} #${cell} (${label})`
        : `${kind} #${cell}`;
  for (const object of objects) {
    let whole: ObjectSnapshot | undefined = object;
    // A gate of a gate of a queue is the deepest there is.
    for (let depth = 0; depth < 3 && whole?.part; depth++) whole = byCell.get(whole.part.of);
    const title = own(whole ?? object);
    const role = object.part === null || whole === undefined ? '' : `, ${ROLES[object.part.role]}`;
    (object as { title: string }).title = object.name === null ? title + role : own(object);
  }
  return objects;
}
