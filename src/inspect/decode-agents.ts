/** DecodeAgents: agents and their wait entries, read from two copies of a namespace. */

import { eachEntry } from '../agents/wait-table.ts';
import type { Words } from '../memory/atomics.ts';
import {
  AGENT_ABOUT,
  AGENT_ABOUT_BYTES,
  AGENT_ABOUT_LENGTH,
  AGENT_AWAITS,
  AGENT_BLOCKED_ON,
  AGENT_ENDS,
  AGENT_ENDS_SINCE,
  AGENT_ENDS_TIMED,
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
  ELSEWHERE_TIMED,
  ENTRY_SINCE,
  ENTRY_STATUS,
  ENTRY_TICKET,
  FLOWS_SHIFT,
  MOST_ENDS,
  TIME_MASK,
  TIMED_BIT,
} from '../memory/layout.ts';
import type { NamespaceCopy } from './copy.ts';
import { sameWords } from './copy.ts';
import type { Lives } from './lives.ts';
import { endedReader, isChildCommand, readCommand, readParent, readTaskState } from './tasks.ts';
import type { AgentSnapshot, AwaitedEnd, BlockedSnapshot, ChildRef, WaitSnapshot } from './types.ts';

/**
 * A time that is at most so much ahead of the reader's clock counts as now, not as 24 days ago.
 */
const AHEAD = 60_000;
/** The readings of a namespace. */
export interface Readings {
  readonly folder: string;
  readonly before: NamespaceCopy;
  readonly copy: NamespaceCopy;
  /** The states of waiting threads between the two copies, by slot. */
  readonly states: ReadonlyMap<number, string>;
  readonly lives: Lives;
  /** In common milliseconds. */
  readonly now: number;
}

/** A wait entry, with its ticket. */
export interface Raw {
  readonly wait: WaitSnapshot;
  readonly ticket: number;
}

/** The wait entries of each slot, with their places among those of the same cell. */
export function readEntries(copy: NamespaceCopy, now: number): Map<number, Raw[]> {
  const bySlot = new Map<number, Raw[]>();
  const byCell = new Map<number, (Raw & { wait: { place: number } })[]>();
  for (let slot = 1; slot <= copy.highSlot; slot++) {
    if ((copy.words[agentWord(slot) + AGENT_STATE]! & AGENT_LIVE_BIT) === 0) continue;
    const found: Raw[] = [];
    eachEntry(copy, slot, (words, at, cell) => {
      const raw = readEntry(words, at, cell, now);
      // Entries of conditions stay filled while no call waits.
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

export function lastedSince(since: number, now: number): number {
  const lasted = (now - since) & TIME_MASK;
  return lasted > TIME_MASK - AHEAD ? 0 : lasted;
}

/**
 * The states of the threads that wait, by slot, as in `ps`. Call it between the two copies. If a
 * thread was asleep then, and its words are the same in both copies, the words are true. Read
 * later, the state could be that of its next wait.
 */
export function readStates({ words, highSlot }: NamespaceCopy): Map<number, string> {
  const states = new Map<number, string>();
  for (let slot = 1; slot <= highSlot; slot++) {
    const base = agentWord(slot);
    if ((words[base + AGENT_STATE]! & AGENT_LIVE_BIT) === 0) continue;
    if (words[base + AGENT_BLOCKED_ON] === 0 && words[base + AGENT_AWAITS] === 0) continue;
    const state = readTaskState(words[base + AGENT_PID]!, words[base + AGENT_TID]!);
    if (state !== undefined) states.set(slot, state);
  }
  return states;
}

export function readAgents(
  { before, copy, states, lives, now }: Omit<Readings, 'folder'>,
  entries: Map<number, Raw[]>,
): AgentSnapshot[] {
  const agents: AgentSnapshot[] = [];
  const hasEnded = endedReader();
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
    const told = readAbout(words, base);
    agents.push({
      slot,
      pid,
      threadId,
      tid,
      name: textAt(words, base + AGENT_NAME, words[base + AGENT_NAME_LENGTH]!, AGENT_NAME_BYTES),
      ...told,
      args: '',
      life: lived === undefined ? 'unknown' : lived ? 'alive' : 'dead',
      orphan: lived !== false && told.parent !== null && hasEnded(told.parent) && isOrphan(pid, told.parent),
      steady: isSteadyAgent(before, copy, slot),
      blocked,
      alone: alone === 0 ? null : alone,
      ends: readEnds(words, base, pid, now),
      starting: words[base + AGENT_KEEPS]! > 0,
      waits: (entries.get(slot) ?? []).map(({ wait }) => wait),
      task: states.get(slot) ?? null,
      work: null,
    });
  }
  return agents;
}

/**
 * Whether the process, whose recorded parent does not run, has another parent now. In another pid
 * namespace the numbers would belong to strangers, so the command line has to be a child's.
 */
function isOrphan(pid: number, parent: number): boolean {
  const found = readParent(pid);
  return found !== undefined && found !== parent && isChildCommand(readCommand(pid));
}

function readBlocked(words: Words, base: number, pid: number, now: number): BlockedSnapshot | null {
  const on = words[base + AGENT_BLOCKED_ON]!;
  if (on === 0) return null;
  if (on > 0) return { cell: on, joins: null, timed: false, lasted: null };
  return {
    cell: null,
    joins: childAt(words, base + AGENT_JOINS, pid),
    timed: on === ELSEWHERE_TIMED,
    lasted: lastedSince(words[base + AGENT_SINCE]!, now),
  };
}

function readEnds(words: Words, base: number, pid: number, now: number): AwaitedEnd[] {
  const ends: AwaitedEnd[] = [];
  for (let index = 0; index < MOST_ENDS; index++) {
    const child = childAt(words, base + AGENT_ENDS + index, pid);
    if (child === null) continue;
    const timed = (words[base + AGENT_ENDS_TIMED]! & (1 << index)) !== 0;
    ends.push({ ...child, timed, lasted: lastedSince(words[base + AGENT_ENDS_SINCE + index]!, now) });
  }
  return ends;
}

/** The child in the word: a process id, or minus the number of a thread of process `pid`. */
function childAt(words: Words, at: number, pid: number): ChildRef | null {
  const child = words[at]!;
  if (child === 0) return null;
  return child > 0 ? { pid: child, threadId: 0 } : { pid, threadId: -child };
}

type Told = Pick<AgentSnapshot, 'script' | 'target' | 'parent' | 'version' | 'started'>;

function readAbout(words: Words, base: number): Told {
  const text = textAt(words, base + AGENT_ABOUT, words[base + AGENT_ABOUT_LENGTH]!, AGENT_ABOUT_BYTES);
  let told: Partial<Told> = {};
  try {
    told = (JSON.parse(text) ?? {}) as Partial<Told>;
  } catch {
    // The text is damaged, or not written yet.
  }
  const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);
  const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    script: textOf(told.script),
    target: textOf(told.target),
    parent: numberOf(told.parent),
    version: textOf(told.version),
    started: numberOf(told.started),
  };
}

function textAt(words: Words, at: number, length: number, most: number): string {
  return Buffer.from(words.buffer, words.byteOffset + at * 4, Math.max(0, Math.min(length, most))).toString(
    'utf8',
  );
}

/**
 * Whether the slot reads the same in both, except words that change whenever its thread looks
 * around.
 */
function isSteadyAgent(before: NamespaceCopy, copy: NamespaceCopy, slot: number): boolean {
  const base = agentWord(slot);
  if (sameWords(before.words, base, copy.words, base, AGENT_WORDS)) return true;
  for (let word = 0; word < AGENT_WORDS; word++) {
    if (word === AGENT_PARK || word === AGENT_SLEEPING) continue;
    // The details of a condition's wait are counts of notifications: those matter.
    if (before.words[base + word] !== copy.words[base + word]) return false;
  }
  return true;
}
