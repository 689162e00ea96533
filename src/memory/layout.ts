/**
 * Every offset and bit of the shared memory. `docs/internals/memory-layout.md` says the same in
 * prose and is checked against it.
 *
 * A namespace is a control segment and up to 13 cell segments:
 *
 *   control:   header (1024 words) | 256 agent slots of 192 words | cells 1…1024
 *   cells-s:   header (16 words)   | 1024 · 2^s cells, s = 1…13
 *
 * All words are 32-bit, in the machine's byte order. State words leave bit 31 unused, so that none
 * is negative by accident.
 */

/**
 * "LKST" read as a little-endian word. A file of the other byte order does not match, and is
 * refused.
 */
export const MAGIC = 0x54534b4c;
/** Changes with every change of this file that an older version would misread. */
export const LAYOUT_VERSION = 4;

// Header words of every segment.
export const MAGIC_WORD = 0;
export const VERSION_WORD = 1;

// Further header words of the control segment.
/**
 * Number of cell segments besides the control segment. Raised by CAS, by the agent that added one.
 */
export const SEGMENTS_WORD = 2;
/** Cells handed out at least once: 1…BUMP. */
export const BUMP_WORD = 3;
/** Cells in use, about: an estimate that decides between looking for free cells and growing. */
export const LIVE_WORD = 4;
/** Highest agent slot ever used. */
export const HIGH_SLOT_WORD = 5;
/** When the agents were last looked after: milliseconds of the monotonic clock, 31 bits. */
export const SWEPT_WORD = 16;
/**
 * Slot of the agent that is just resolving a deadlock; 0 nobody. Taken by CAS; cleared by that
 * agent, or its reaper.
 */
export const RESOLVING_WORD = 17;
/**
 * Slot of the agent that records the actions of all; 0 nobody. No agent does so yet.
 * @public It is part of the layout, though no code needs its name.
 */
export const RECORDER_WORD = 18;
/**
 * Counts the requests to all agents to write down where they are, in `stack-<slot>`. Written by an
 * observer outside: see agents/whereabouts.ts.
 */
export const REPORT_WORD = 19;
/**
 * 1: an agent died while it put or took shared objects, so counts of KEPT may be too high. Set by
 * its reaper, never cleared.
 */
export const KEPT_DOUBT_WORD = 20;
export const CONTROL_HEADER_WORDS = 1024;

// Agent slots. Slot 0 is never used: an owner of 0 means free.
export const AGENT_SLOTS = 256;
export const AGENT_WORDS = 192;
/** bits 30…4 incarnation | 1 LEFT | 0 LIVE. Written under the slot's liveness lock. */
export const AGENT_STATE = 0;
/** An agent sits in the slot: from joining until all that it had is given back. */
export const AGENT_LIVE_BIT = 1;
/** It is dead, and its share of foreign objects is left to an agent that knows their kind. */
export const AGENT_LEFT_BIT = 2;
export const INCARNATION_SHIFT = 4;
export const AGENT_PID = 1;
export const AGENT_THREAD = 2;
/** Bytes of the UTF-8 name that follow. */
export const AGENT_NAME_LENGTH = 3;
export const AGENT_NAME = 4;
export const AGENT_NAME_BYTES = 48;
/** Counts wake-ups; a blocked thread sleeps on it. Written by wakers. */
export const AGENT_PARK = 16;
/**
 * LIGHTLY while the thread may be in the futex, DEEPLY while it may be in its berth; 0 awake.
 * Written by the agent.
 */
export const AGENT_SLEEPING = 17;
export const LIGHTLY = 1;
export const DEEPLY = 2;
/**
 * Cell that the blocked thread waits for; ELSEWHERE or ELSEWHERE_TIMED for something else (a
 * child's end); 0 not blocked.
 */
export const AGENT_BLOCKED_ON = 18;
/** 1: a ring was lost because the doorbell was full; poll everything. Written by ringers. */
export const AGENT_MISSED_RING = 19;
/**
 * Cell that the thread's only flow awaits while nothing else keeps its event loop busy; 0: not so,
 * or not known.
 */
export const AGENT_AWAITS = 20;
/** Number of the thread in the system, in its own pid namespace; 0 not known. */
export const AGENT_TID = 21;
/** Since when the thread is blocked ELSEWHERE, as ENTRY_SINCE. Void while it is not. */
export const AGENT_SINCE = 22;
/**
 * The child whose end it waits for: a process id, or minus the `threadId` of a thread of
 * this process; 0 something else. Void as AGENT_SINCE.
 */
export const AGENT_JOINS = 23;
/**
 * Packages of objects that the thread keeps open for children that have not opened them yet: such a
 * child can act, though it is seen nowhere.
 */
export const AGENT_KEEPS = 24;
/**
 * Children for whose end awaiting calls wait: 3 words, each as AGENT_JOINS, 0 none. More are not
 * recorded. For observers outside.
 */
export const AGENT_ENDS = 25;
/** When each of these waits began: a word each, as ENTRY_SINCE. */
export const AGENT_ENDS_SINCE = 28;
/** Bit n: the wait in word n ends by itself. */
export const AGENT_ENDS_TIMED = 31;
export const MOST_ENDS = 3;
/**
 * In BLOCKED_ON: the thread is blocked, but for no object of this namespace, or for one of several.
 */
export const ELSEWHERE: number = -1;
/** The same, and the wait ends by itself, or by an event that is recorded nowhere. */
export const ELSEWHERE_TIMED: number = -2;
/** Wait entries in use. Written by the agent, before an entry is filled and after it is emptied. */
export const AGENT_WAITS = 32;
/** Entries 0…HIGH-1 may be in use. */
export const AGENT_HIGH_ENTRY = 33;
/** First chunk cell with further entries; 0 none. */
export const AGENT_CHUNK = 34;
/** 1 while the agent puts or takes an item in which shared objects are. Written by the agent. */
export const AGENT_MOVING = 38;
export const AGENT_ENTRIES = 40;
export const INLINE_ENTRIES = 17;
/**
 * Bytes of the text that follows: JSON, which program this is. Written by the agent before it is
 * LIVE.
 */
export const AGENT_ABOUT_LENGTH = 128;
export const AGENT_ABOUT = 129;
export const AGENT_ABOUT_BYTES = 252;

// A wait entry.
export const ENTRY_WORDS = 5;
/** Cell waited for; 0 = free. Written by the agent: last when filling, first when emptying. */
export const ENTRY_CELL = 0;
/** Order of arrival at that cell. */
export const ENTRY_TICKET = 1;
/** bit 0 BLOCKING | 1 AWAITING | 2 TIMED | bits 30…8 calls, blocked and awaiting. */
export const ENTRY_STATUS = 2;
/** Data of the primitive: the barrier's generation. */
export const ENTRY_DETAIL = 3;
/**
 * When the oldest call began to wait: milliseconds of the monotonic clock, 31 bits, which repeat
 * after 24.8 days. For observers outside.
 */
export const ENTRY_SINCE = 4;
/** The bits of such a time. */
export const TIME_MASK = 0x7fffffff;

export const BLOCKING_BIT = 1;
export const AWAITING_BIT = 2;
/**
 * The blocked call ends by itself, by a timeout or a signal; without a blocked call, one of those
 * that await does.
 */
export const TIMED_BIT = 4;
export const FLOWS_SHIFT = 8;

// A cell: 64 bytes.
export const CELL_WORDS = 16;
export const FIRST_SEGMENT_CELLS = 1024;
export const SEGMENT_HEADER_WORDS = 16;
export const MAX_SEGMENTS = 14;
/** Cells that there can be: 1…MOST_CELLS. */
export const MOST_CELLS: number = FIRST_SEGMENT_CELLS * (2 ** MAX_SEGMENTS - 1);
/**
 * bits 7…0 slot (of the agent that has claimed it or is ending it) | 13…8 kind | 14 HAS_DATA |
 * 15 HAS_CHAIN | 16 HAS_RING | 18…17 phase | 30…19 kept: items that name it.
 */
export const CELL_HEADER = 0;
/** Counts the objects that lived here; 31 bits. Part of a handle. */
export const CELL_GENERATION = 1;
/** 8 words: bit per agent that has the object open. */
export const CELL_OPEN = 2;
/**
 * In the first of them, slot 0's bit: the object lives although no agent has it open. Set by the
 * agent that named it, cleared by the agent that unlinks it.
 */
export const PIN_BIT = 1;
export const OPEN_WORDS = 8;
/** 6 words that belong to the object. */
export const CELL_BODY = 10;
/**
 * Of objects that can be waited for: the state word, and the counter that gives each waiter its
 * place.
 */
export const CELL_STATE: number = CELL_BODY;
export const CELL_TICKETS: number = CELL_BODY + 1;
/**
 * In the state word of objects that can be held: acquisitions are recorded. No agent does so yet:
 * the bit is reserved.
 * @public It is part of the layout, though no code needs its name.
 */
export const WATCHED_BIT: number = 1 << 27;

export const SLOT_MASK = 0xff;
export const KIND_SHIFT = 8;
export const KIND_MASK = 0x3f;
/** Files of data belong to the object. */
export const HAS_DATA_BIT: number = 1 << 14;
/** A chain of cells may hang on the object. */
export const HAS_CHAIN_BIT: number = 1 << 15;
/** Its data is a ring, in whose items other objects may be named. */
export const HAS_RING_BIT: number = 1 << 16;
/** All bits of a header that describe the kind of object. */
export const KIND_BITS: number = (KIND_MASK << KIND_SHIFT) | HAS_DATA_BIT | HAS_CHAIN_BIT | HAS_RING_BIT;
export const PHASE_SHIFT = 17;
export const PHASE_MASK = 0x3;
export const KEPT_SHIFT = 19;
export const KEPT_MASK = 0xfff;
/**
 * No agent's; the whole header is 0 then. @public It is part of the layout, though no code needs
 * its name.
 */
export const PHASE_FREE = 0;
/**
 * Belongs to the agent in the slot, which fills it or frees it; with slot 0, to the object whose
 * chain it is in.
 */
export const PHASE_CLAIMED = 1;
export const PHASE_LIVE = 2;
export const PHASE_ENDING = 3;

// Some objects have further words in a chain of cells, its links, that hangs on them.
/** In the object's own cell: first link of the chain. */
export const FIRST_LINK: number = CELL_BODY + 3;
/** Next link; 0 none. */
export const LINK_NEXT: number = CELL_BODY;
/** Cell of the object that it hangs on. */
export const LINK_OWNER: number = CELL_BODY + 1;
/** The words themselves. */
export const LINK_WORDS: number = CELL_BODY + 2;
export const WORDS_PER_LINK = 4;
/** Most words of a chain. */
export const MOST_EXTRA_WORDS = 65_536;

/** Kinds of cells that are no objects. Those of objects are listed in `kinds/all.ts`. */
export const KIND = {
  ENTRIES: 1,
  LINK: 2,
} as const;

export const CONTROL_WORDS: number =
  CONTROL_HEADER_WORDS + AGENT_SLOTS * AGENT_WORDS + FIRST_SEGMENT_CELLS * CELL_WORDS;

/** First word of an agent's slot in the control segment. */
export function agentWord(slot: number): number {
  return CONTROL_HEADER_WORDS + slot * AGENT_WORDS;
}

/** Segment that holds cell `cell` (from 1 on). */
export function segmentOf(cell: number): number {
  return 31 - Math.clz32(((cell - 1) >> 10) + 1);
}

/** Cells in segments 0…segments-1. */
export function cellsBelow(segments: number): number {
  return FIRST_SEGMENT_CELLS * (2 ** segments - 1);
}

/** First word of cell `cell` within its segment. */
export function cellWord(cell: number): number {
  const segment = segmentOf(cell);
  const base = segment === 0 ? CONTROL_HEADER_WORDS + AGENT_SLOTS * AGENT_WORDS : SEGMENT_HEADER_WORDS;
  return base + (cell - 1 - cellsBelow(segment)) * CELL_WORDS;
}

/** Bytes of segment `segment`'s file. */
export function segmentBytes(segment: number): number {
  if (segment === 0) return CONTROL_WORDS * 4;
  return (SEGMENT_HEADER_WORDS + FIRST_SEGMENT_CELLS * 2 ** segment * CELL_WORDS) * 4;
}

export function kindOf(header: number): number {
  return (header >> KIND_SHIFT) & KIND_MASK;
}

export function phaseOf(header: number): number {
  return (header >> PHASE_SHIFT) & PHASE_MASK;
}

/** Items that name the object, as counted: never too few. */
export function keptOf(header: number): number {
  return (header >> KEPT_SHIFT) & KEPT_MASK;
}

export function slotOf(header: number): number {
  return header & SLOT_MASK;
}

/** The facts about the kind of object in the header: number and content. */
export function kindBitsOf(header: number): number {
  return header & KIND_BITS;
}

export function header(phase: number, kindBits: number, slot: number, kept = 0): number {
  return (kept << KEPT_SHIFT) | (phase << PHASE_SHIFT) | kindBits | slot;
}
