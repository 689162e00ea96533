/** Trace: the schedule of a violation, run once more and printed operation by operation. */

import { kill, runActor } from './actor.ts';
import { choose, GO } from './choices.ts';
import {
  AGENT_BLOCKED_ON,
  AGENT_ENTRIES,
  AGENT_PARK,
  AGENT_SLEEPING,
  AGENT_STATE,
  AGENT_WAITS,
  AGENT_WORDS,
  agentWord,
  CELL_BODY,
  CELL_GENERATION,
  CELL_HEADER,
  CELL_OPEN,
  CELL_STATE,
  CELL_TICKETS,
  CELL_WORDS,
  cellWord,
  ENTRY_WORDS,
} from './internals.ts';
import { machine, OP, type Scheduler } from './machine.ts';
import type { Segment } from './segment.ts';
import { newState, restore } from './state.ts';
import type { World } from './world.ts';

const AGENT_NAMES: Record<number, string> = {
  [AGENT_STATE]: 'STATE',
  [AGENT_PARK]: 'PARK',
  [AGENT_SLEEPING]: 'SLEEPING',
  [AGENT_BLOCKED_ON]: 'BLOCKED_ON',
  [AGENT_WAITS]: 'WAITS',
};
const CELL_NAMES: Record<number, string> = {
  [CELL_HEADER]: 'HEADER',
  [CELL_GENERATION]: 'GENERATION',
  [CELL_STATE]: 'STATE',
  [CELL_TICKETS]: 'TICKETS',
};
const ENTRY_NAMES = ['CELL', 'TICKET', 'STATUS', 'DETAIL', 'SINCE'];
const OP_NAMES = Object.fromEntries(Object.entries(OP).map(([name, op]) => [op, name.toLowerCase()]));

/** Tells the schedule that ends with the segment, one line an operation. */
export async function tell(world: World, last: Segment): Promise<string[]> {
  const chain: Segment[] = [];
  for (let each: Segment | undefined = last; each !== undefined; each = each.from) chain.unshift(each);
  const lines: string[] = [];
  const state = newState();
  for (const [index, segment] of chain.entries()) {
    const next = chain[index + 1];
    const name = world.nameOf(segment.actor);
    restore(state, segment.state);
    machine.state = state;
    const seen = segment.logs[segment.actor]!;
    const log = seen.results.slice(0, seen.length);
    choose(state, segment.actor, segment.choice, log);
    if (segment.choice.result !== GO) lines.push(`${name} goes on with ${segment.choice.result}`);
    const ops: { text: string; position: number }[] = [];
    const until = next?.after ?? Infinity;
    const scheduler: Scheduler = (op, at, a, b) => {
      if (machine.position >= until) return false;
      if (op === OP.NOTE) return true;
      ops.push({ text: `${name}  ${describe(world, op, at, a, b)}`, position: machine.position });
      return true;
    };
    const pending = runActor(world, segment.actor, log, scheduler);
    if (pending !== undefined) await pending;
    lines.push(...ops.map(({ text, position }) => withResult(text, log[position])));
    if (next?.dead !== undefined) {
      kill(state, next.dead);
      lines.push(`${world.nameOf(next.dead)} dies`);
    } else if (next !== undefined && next.after !== Infinity) lines.push(`${name} is preempted`);
  }
  return lines;
}

function withResult(text: string, result: number | undefined): string {
  return result === undefined ? text : `${text} -> ${hex(result)}`;
}

function describe(world: World, op: number, at: number, a: number, b: number): string {
  const name = OP_NAMES[op]!;
  if (op > OP.UNPARK) return `${name} ${at} ${a}`;
  const operands = op === OP.LOAD ? '' : op === OP.CAS ? ` ${hex(a)} to ${hex(b)}` : ` ${hex(a)}`;
  return `${name} ${nameOfWord(world, at)}${operands}`;
}

function hex(value: number): string {
  return Math.abs(value) < 1024 ? String(value) : `0x${(value >>> 0).toString(16)}`;
}

function nameOfWord(world: World, at: number): string {
  if (at >= cellWord(1)) {
    const cell = Math.floor((at - cellWord(1)) / CELL_WORDS);
    const word = (at - cellWord(1)) % CELL_WORDS;
    const open = word >= CELL_OPEN && word < CELL_BODY;
    const name = CELL_NAMES[word] ?? (open ? `OPEN+${word - CELL_OPEN}` : `+${word - CELL_BODY}`);
    return `cell ${cell + 1} ${name}`;
  }
  if (at < agentWord(1)) return `header +${at}`;
  const slot = Math.floor((at - agentWord(0)) / AGENT_WORDS);
  const word = (at - agentWord(0)) % AGENT_WORDS;
  const entry = word - AGENT_ENTRIES;
  const name =
    entry >= 0
      ? `entry ${Math.floor(entry / ENTRY_WORDS)} ${ENTRY_NAMES[entry % ENTRY_WORDS]}`
      : (AGENT_NAMES[word] ?? `+${word}`);
  return `${world.nameOf(slot - 1)}'s ${name}`;
}
