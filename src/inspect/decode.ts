/** Decode: agents and objects, read from two copies of a namespace. */

import { readdirSync } from 'node:fs';
import { eachEntry } from '../agents/wait-table.ts';
import type { Place } from '../memory/arena.ts';
import type { Words } from '../memory/atomics.ts';
import {
  AGENT_ABOUT,
  AGENT_ABOUT_BYTES,
  AGENT_ABOUT_LENGTH,
  AGENT_AWAITS,
  AGENT_BLOCKED_ON,
  AGENT_JOINS,
  AGENT_KEEPS,
  AGENT_LIVE_BIT,
  AGENT_NAME,
  AGENT_NAME_BYTES,
  AGENT_NAME_LENGTH,
  AGENT_PARK,
  AGENT_PID,
  AGENT_SINCE,
  AGENT_SLEEPING,
  AGENT_STATE,
  AGENT_THREAD,
  AGENT_TID,
  AGENT_WORDS,
  agentWord,
  BLOCKING_BIT,
  CELL_GENERATION,
  CELL_HEADER,
  CELL_OPEN,
  CELL_WORDS,
  ELSEWHERE_TIMED,
  ENTRY_SINCE,
  ENTRY_STATUS,
  ENTRY_TICKET,
  FLOWS_SHIFT,
  HAS_CHAIN_BIT,
  keptOf,
  kindOf,
  OPEN_WORDS,
  PHASE_LIVE,
  phaseOf,
  TIME_MASK,
  TIMED_BIT,
} from '../memory/layout.ts';
import { LABEL_PREFIX } from '../namespaces/paths.ts';
import type { NamespaceCopy } from './copy.ts';
import { readSmallFile } from './copy.ts';
import { KINDS } from './kinds.ts';
import type { Lives } from './lives.ts';
import { readTask } from './tasks.ts';
import type { AgentSnapshot, BlockedSnapshot, ObjectSnapshot, WaitSnapshot } from './types.ts';

/**
 * A clock that is this much ahead of the reader's is taken for the same time, not for one of 24
 * days ago.
 */
const AHEAD = 60_000;

export interface Decoded {
  readonly agents: AgentSnapshot[];
  readonly objects: ObjectSnapshot[];
}

/** Reads both copies; `folder` for names, `now` in common milliseconds. */
export function decode(
  folder: string,
  before: NamespaceCopy,
  copy: NamespaceCopy,
  lives: Lives,
  now: number,
): Decoded {
  const entries = readEntries(copy, now);
  const agents = readAgents(before, copy, lives, now, entries);
  return { agents, objects: readObjects(folder, before, copy, entries) };
}

interface Raw {
  readonly wait: WaitSnapshot;
  readonly ticket: number;
}

/** The wait entries of each slot, with their places among those of the same cell. */
function readEntries(copy: NamespaceCopy, now: number): Map<number, Raw[]> {
  const bySlot = new Map<number, Raw[]>();
  const byCell = new Map<number, (Raw & { wait: { place: number } })[]>();
  for (let slot = 1; slot <= copy.highSlot; slot++) {
    if ((copy.words[agentWord(slot) + AGENT_STATE]! & AGENT_LIVE_BIT) === 0) continue;
    const found: Raw[] = [];
    eachEntry(copy, slot, (words, at, cell) => {
      const raw = readEntry(words, at, cell, now);
      // Entries of conditions stay while nobody waits.
      if (raw === undefined) return false;
      found.push(raw);
      const same = byCell.get(cell) ?? [];
      same.push(raw);
      byCell.set(cell, same);
      return false;
    });
    if (found.length > 0) bySlot.set(slot, found);
  }
  for (const same of byCell.values()) {
    // Tickets may wrap.
    same.sort((a, b) => (a.ticket - b.ticket) | 0);
    for (const [index, { wait }] of same.entries()) wait.place = index + 1;
  }
  return bySlot;
}

function readEntry(
  words: Words,
  at: number,
  cell: number,
  now: number,
): (Raw & { wait: WaitSnapshot & { place: number } }) | undefined {
  const status = words[at + ENTRY_STATUS]!;
  const calls = status >> FLOWS_SHIFT;
  if (calls <= 0) return undefined;
  const wait = {
    cell,
    calls,
    blocking: (status & BLOCKING_BIT) !== 0,
    timed: (status & TIMED_BIT) !== 0,
    lasted: lastedSince(words[at + ENTRY_SINCE]!, now),
    place: 0,
  };
  return { wait, ticket: words[at + ENTRY_TICKET]! };
}

function lastedSince(since: number, now: number): number {
  const lasted = (now - since) & TIME_MASK;
  return lasted > TIME_MASK - AHEAD ? 0 : lasted;
}

function readAgents(
  before: NamespaceCopy,
  copy: NamespaceCopy,
  lives: Lives,
  now: number,
  entries: Map<number, Raw[]>,
): AgentSnapshot[] {
  const agents: AgentSnapshot[] = [];
  for (let slot = 1; slot <= copy.highSlot; slot++) {
    const { words } = copy;
    const base = agentWord(slot);
    if ((words[base + AGENT_STATE]! & AGENT_LIVE_BIT) === 0) continue;
    const pid = words[base + AGENT_PID]!;
    const tid = words[base + AGENT_TID]!;
    const threadId = words[base + AGENT_THREAD]!;
    const lived = lives(copy.control, slot, pid);
    const blocked = readBlocked(words, base, pid, now);
    const alone = words[base + AGENT_AWAITS]!;
    agents.push({
      slot,
      pid,
      threadId,
      tid,
      name: textAt(words, base + AGENT_NAME, words[base + AGENT_NAME_LENGTH]!, AGENT_NAME_BYTES),
      ...readAbout(words, base),
      life: lived === undefined ? 'unknown' : lived ? 'alive' : 'dead',
      steady: isSteadyAgent(before, copy, slot),
      blocked,
      alone: alone === 0 ? null : alone,
      starting: words[base + AGENT_KEEPS]! > 0,
      waits: (entries.get(slot) ?? []).map(({ wait }) => wait),
      task: blocked === null && alone === 0 ? null : (readTask(pid, tid)?.state ?? null),
    });
  }
  return agents;
}

function readBlocked(words: Words, base: number, pid: number, now: number): BlockedSnapshot | null {
  const on = words[base + AGENT_BLOCKED_ON]!;
  if (on === 0) return null;
  if (on > 0) return { cell: on, joins: null, timed: false, lasted: null };
  const joins = words[base + AGENT_JOINS]!;
  return {
    cell: null,
    joins: joins === 0 ? null : joins > 0 ? { pid: joins, threadId: 0 } : { pid, threadId: -joins },
    timed: on === ELSEWHERE_TIMED,
    lasted: lastedSince(words[base + AGENT_SINCE]!, now),
  };
}

type Told = Pick<AgentSnapshot, 'script' | 'target' | 'version' | 'started'>;

function readAbout(words: Words, base: number): Told {
  const text = textAt(words, base + AGENT_ABOUT, words[base + AGENT_ABOUT_LENGTH]!, AGENT_ABOUT_BYTES);
  let told: Partial<Told> = {};
  try {
    told = (JSON.parse(text) ?? {}) as Partial<Told>;
  } catch {
    // Damaged, or nothing yet.
  }
  const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    script: textOf(told.script),
    target: textOf(told.target),
    version: textOf(told.version),
    started: typeof told.started === 'number' ? told.started : null,
  };
}

function textAt(words: Words, at: number, length: number, most: number): string {
  return Buffer.from(words.buffer, words.byteOffset + at * 4, Math.max(0, Math.min(length, most))).toString(
    'utf8',
  );
}

/**
 * Whether the slot reads the same in both, but for what changes whenever its thread looks around.
 */
function isSteadyAgent(before: NamespaceCopy, copy: NamespaceCopy, slot: number): boolean {
  const base = agentWord(slot);
  for (let word = 0; word < AGENT_WORDS; word++) {
    if (word === AGENT_PARK || word === AGENT_SLEEPING) continue;
    // The details of a condition's wait are counts of notifications: those matter.
    if (before.words[base + word] !== copy.words[base + word]) return false;
  }
  return true;
}

function readObjects(
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
