/**
 * Facts that the library knows and does not export: taken from its own modules, the same instances.
 */

import type { SharedObject } from '../support/wire.ts';

type Cell = import('../../src/agents/cell.ts').Cell;
type Channel = import('../../src/messaging/ring/channel.ts').Channel;
type Namespace = import('../../src/namespaces/namespace.ts').Namespace;

const shipped = (module: string): string => new URL(`../../../build/src/${module}`, import.meta.url).href;
const { waitersOf }: typeof import('../../src/agents/waiters.ts') = await import(
  shipped('agents/waiters.js')
);
const { AGENT_SLEEPING, agentWord, CELL_HEADER, ENTRY_DETAIL }: typeof import('../../src/memory/layout.ts') =
  await import(shipped('memory/layout.js'));

/** The waiters of the object: the process, and what its wait entry says. */
export function waitersFor(object: SharedObject): { pid: number; detail: number }[] {
  const namespace = namespaceOf(object);
  return waitersOf(namespace, cellOf(object)).map(({ slot, words, at }) => {
    return { pid: namespace.identity(slot).pid, detail: Atomics.load(words, at + ENTRY_DETAIL) };
  });
}

/** Cells that are not free in the object's namespace. */
export function cellsInUse(object: SharedObject): number {
  const { arena } = namespaceOf(object);
  let used = 0;
  for (let number = 1; number <= arena.bump; number++) {
    const { words, at } = arena.place(number);
    if (Atomics.load(words, at + CELL_HEADER) !== 0) used++;
  }
  return used;
}

/** Slots in the object's namespace in which an agent of the process sits, dead or alive. */
export function slotsOf(object: SharedObject, pid: number): number[] {
  const namespace = namespaceOf(object);
  const slots = Array.from({ length: namespace.highSlot }, (_, index) => index + 1);
  return slots.filter((slot) => namespace.isLive(slot) && namespace.identity(slot).pid === pid);
}

/** Whether a thread of the process sleeps, blocked in an object of this namespace. */
export function sleeps(object: SharedObject, pid: number): boolean {
  const { words } = namespaceOf(object);
  return slotsOf(object, pid).some((slot) => Atomics.load(words, agentWord(slot) + AGENT_SLEEPING) !== 0);
}

/** Items that were put into the queue so far. */
export function itemsPut(queue: SharedObject): number {
  return channelOf(queue).ring.puts;
}

/**
 * Makes this process put and take as it does for a while after it has met others that put and take.
 */
export function expectOthers(queue: SharedObject): void {
  const channel = channelOf(queue);
  const puts = 1000;
  Reflect.set(channel, 'contended', puts);
  Reflect.set(Reflect.get(channel, 'reader'), 'contended', puts);
}

/** Calls that wait until all items of the queue are done. */
export function joining(queue: SharedObject): number {
  return waitersOf(namespaceOf(queue), channelOf(queue).joins.cell).length;
}

export function folderOf(object: SharedObject): string {
  return namespaceOf(object).folder;
}

function channelOf(queue: SharedObject): Channel {
  return Reflect.get(queue, 'channel');
}

function namespaceOf(object: SharedObject): Namespace {
  return cellOf(object).agent.namespace;
}

function cellOf(object: SharedObject): Cell {
  const cell: unknown = Reflect.get(object, 'cell');
  return cell as Cell;
}

/** Where the header of the object's cell is. */
export function headerOf(object: SharedObject): { words: Int32Array; at: number } {
  const { words, at } = cellOf(object);
  return { words, at: at + CELL_HEADER };
}
