/**
 * WaitTable: an agent's own wait entries. Only the agent writes them, so its death leaves nothing
 * to repair.
 *
 * An entry says which cell the agent waits for. The first 17 lie in the agent's slot. More lie in
 * cells of kind ENTRIES. These stay CLAIMED under the agent's slot for all their life, so that the
 * reaper frees them with the agent.
 *
 *   fill:   WAITS + 1, then since, ticket, detail, status, and last the cell      // PUBLISH entry
 *   empty:  the cell to 0, then WAITS - 1
 *
 * An agent that changes an object reads the entries after the change (waiters.ts). A waiter looks
 * at the object after it has filled its entry. One of the two sees the other.
 */

import { load, note, store } from '#atomics';
import type { Words } from '../memory/atomics.ts';
import {
  AGENT_CHUNK,
  AGENT_ENTRIES,
  AGENT_HIGH_ENTRY,
  AGENT_WAITS,
  agentWord,
  CELL_BODY,
  CELL_HEADER,
  CELL_WORDS,
  ENTRY_CELL,
  ENTRY_DETAIL,
  ENTRY_SINCE,
  ENTRY_STATUS,
  ENTRY_TICKET,
  ENTRY_WORDS,
  header,
  INLINE_ENTRIES,
  KIND,
  PHASE_CLAIMED,
  TIME_MASK,
} from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import type { Namespace } from '../namespaces/namespace.ts';
import type { NamespaceView } from '../namespaces/view.ts';
import type { Kind } from './kinds.ts';
import { defineKind } from './kinds.ts';

/** First entry, next chunk: words of a chunk cell. */
export const CHUNK_NEXT: number = CELL_BODY;
export const CHUNK_ENTRIES: number = CELL_BODY + 1;
export const ENTRIES_PER_CHUNK: number = Math.floor((CELL_WORDS - CHUNK_ENTRIES) / ENTRY_WORDS);

/** A cell with further wait entries of an agent. It is CLAIMED by that agent for all its life. */
export const ENTRIES_KIND: Kind = defineKind({ number: KIND.ENTRIES, name: 'entries' });

export interface EntryPlace {
  readonly words: Words;
  /** First word of the entry. */
  readonly at: number;
}

export interface Entry extends EntryPlace {
  readonly index: number;
}

export class WaitTable {
  private readonly namespace: Namespace;
  private readonly slot: number;
  private readonly base: number;
  private readonly entries: Entry[] = [];
  private readonly chunks: Place[] = [];
  private readonly unused: number[] = [];
  private high = 0;
  private waits = 0;

  constructor(namespace: Namespace, slot: number) {
    this.namespace = namespace;
    this.slot = slot;
    this.base = agentWord(slot);
  }

  /** Entries in use. */
  get size(): number {
    return this.waits;
  }

  /** `since`: common milliseconds. */
  fill(cell: number, ticket: number, status: number, detail: number, since: number): Entry {
    const index = this.unused.pop() ?? this.high;
    const entry = this.entries[index] ?? this.make(index);
    const { words } = this.namespace;
    if (index >= this.high) store(words, this.base + AGENT_HIGH_ENTRY, ++this.high);
    store(words, this.base + AGENT_WAITS, ++this.waits);
    this.noteSince(entry, since);
    store(entry.words, entry.at + ENTRY_TICKET, ticket);
    store(entry.words, entry.at + ENTRY_DETAIL, detail);
    store(entry.words, entry.at + ENTRY_STATUS, status);
    // PUBLISH entry
    store(entry.words, entry.at + ENTRY_CELL, cell);
    return entry;
  }

  /** Notes when the oldest call began to wait. */
  noteSince({ words, at }: Entry, since: number): void {
    note(words, at + ENTRY_SINCE, since & TIME_MASK);
  }

  empty(entry: Entry): void {
    const { words } = this.namespace;
    // Empty the entry before the count says so.
    store(entry.words, entry.at + ENTRY_CELL, 0);
    store(words, this.base + AGENT_WAITS, --this.waits);
    this.unused.push(entry.index);
    if (this.waits > 0) return;
    // No waits are left: begin again at the first entry.
    this.unused.length = 0;
    this.high = 0;
    store(words, this.base + AGENT_HIGH_ENTRY, 0);
  }

  private make(index: number): Entry {
    const entry = index < INLINE_ENTRIES ? this.inline(index) : this.chunked(index);
    this.entries[index] = entry;
    return entry;
  }

  private inline(index: number): Entry {
    return { words: this.namespace.words, at: this.base + AGENT_ENTRIES + index * ENTRY_WORDS, index };
  }

  private chunked(index: number): Entry {
    const beyond = index - INLINE_ENTRIES;
    const number = Math.floor(beyond / ENTRIES_PER_CHUNK);
    const chunk = this.chunks[number] ?? this.addChunk();
    const at = chunk.at + CHUNK_ENTRIES + (beyond % ENTRIES_PER_CHUNK) * ENTRY_WORDS;
    return { words: chunk.words, at, index };
  }

  private addChunk(): Place {
    const chunk = this.namespace.arena.claim(ENTRIES_KIND.bits, this.slot);
    const last = this.chunks.at(-1);
    if (last === undefined) store(this.namespace.words, this.base + AGENT_CHUNK, chunk.number);
    else store(last.words, last.at + CHUNK_NEXT, chunk.number);
    this.chunks.push(chunk);
    return chunk;
  }
}

/**
 * The entry by which the agent in `slot` waits for the cell; like `eachEntry`, for the entries of
 * others.
 */
export function findEntry(namespace: NamespaceView, slot: number, cell: number): EntryPlace | undefined {
  const { words } = namespace;
  const base = agentWord(slot);
  if (load(words, base + AGENT_WAITS) === 0) return undefined;
  const first = base + AGENT_ENTRIES;
  // It is nearly always the first entry.
  if (load(words, first + ENTRY_CELL) === cell) return { words, at: first };
  let found: EntryPlace | undefined;
  eachEntry(namespace, slot, (entryWords, at, its) => {
    if (its === cell) found = { words: entryWords, at };
    return its === cell;
  });
  return found;
}

/**
 * Calls `visit` for each entry that the agent in `slot` has filled, until it returns `true`. Meant
 * for the entries of others: they may change meanwhile, so their values are hints unless the caller
 * has a reason to trust them.
 */
export function eachEntry(
  namespace: NamespaceView,
  slot: number,
  visit: (words: Words, at: number, cell: number) => boolean,
): boolean {
  const { words } = namespace;
  const base = agentWord(slot);
  if (load(words, base + AGENT_WAITS) === 0) return false;
  const high = load(words, base + AGENT_HIGH_ENTRY);
  for (let index = 0; index < high && index < INLINE_ENTRIES; index++) {
    const at = base + AGENT_ENTRIES + index * ENTRY_WORDS;
    const cell = load(words, at + ENTRY_CELL);
    if (cell !== 0 && visit(words, at, cell)) return true;
  }
  if (high <= INLINE_ENTRIES) return false;
  const { arena } = namespace;
  // There are no more chunks than cells, however damaged the words are.
  let left = Math.min(high - INLINE_ENTRIES, arena.reach * ENTRIES_PER_CHUNK);
  const claimed = header(PHASE_CLAIMED, ENTRIES_KIND.bits, slot);
  for (let next = load(words, base + AGENT_CHUNK); left > 0; left -= ENTRIES_PER_CHUNK) {
    const chunk = arena.find(next);
    if (chunk === undefined || load(chunk.words, chunk.at + CELL_HEADER) !== claimed) return false;
    for (let index = 0; index < ENTRIES_PER_CHUNK; index++) {
      const at = chunk.at + CHUNK_ENTRIES + index * ENTRY_WORDS;
      const cell = load(chunk.words, at + ENTRY_CELL);
      if (cell !== 0 && visit(chunk.words, at, cell)) return true;
    }
    next = load(chunk.words, chunk.at + CHUNK_NEXT);
  }
  return false;
}
