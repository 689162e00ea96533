/**
 * The back door to the library: facts that it does not export, taken from its own modules. They
 * are the same instances that `lockstep` has, bundled or not. The only one: nothing else in tests
 * imports compiled source, but for the variants and copies of it that the model and the crash walks
 * make.
 */

import type { SharedObject } from './wire.ts';

export type Cell = import('../../src/agents/cell.ts').Cell;
type Channel = import('../../src/messaging/ring/channel.ts').Channel;
type Namespace = import('../../src/namespaces/namespace.ts').Namespace;

const ROOT = new URL('.', import.meta.resolve('lockstep'));

/** A module of the library, by its path below `src` with the ending of the compiled one. */
export async function load<Module>(path: string): Promise<Module> {
  return (await import(new URL(path, ROOT).href)) as Module;
}

export const layout: typeof import('../../src/memory/layout.ts') = await load('memory/layout.js');
const { waitersOf }: typeof import('../../src/agents/waiters.ts') = await load('agents/waiters.js');

const { AGENT_SLEEPING, agentWord, CELL_GENERATION, CELL_HEADER, CELL_STATE, ENTRY_DETAIL } = layout;
/** More puts and takings than a test has. */
const FOR_LONG = 1_000_000_000;

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

/** The objects in the object's namespace, each by its cell and which one in that it is. */
export function objectsBeside(object: SharedObject): Set<string> {
  const { arena } = namespaceOf(object);
  const found = new Set<string>();
  for (let number = 1; number <= arena.bump; number++) {
    const { words, at } = arena.place(number);
    const generation = Atomics.load(words, at + CELL_GENERATION);
    if (Atomics.load(words, at + CELL_HEADER) !== 0) found.add(`${number}, generation ${generation}`);
  }
  return found;
}

/**
 * The objects in the object's namespace that were not there `before`. Of those that were, some may
 * have been collected meanwhile.
 */
export function newBeside(object: SharedObject, before: ReadonlySet<string>): string[] {
  return [...objectsBeside(object)].filter((each) => !before.has(each));
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

/** Makes the queue go on, in this thread, as it does for a while after it has met others. */
export function contend(queue: object): void {
  const channel = channelOf(queue);
  Reflect.set(channel.putter, 'contended', FOR_LONG);
  Reflect.set(Reflect.get(channel.taker, 'reader'), 'contended', FOR_LONG);
}

/** Calls that wait until all items of the queue are done. */
export function joining(queue: SharedObject): number {
  return waitersOf(namespaceOf(queue), channelOf(queue).joins.cell).length;
}

export function folderOf(object: SharedObject): string {
  return namespaceOf(object).folder;
}

/** The channel under a queue. */
export function channelOf(queue: object): Channel {
  return Reflect.get(queue, 'channel');
}

export function namespaceOf(object: object): Namespace {
  return cellOf(object).agent.namespace;
}

/** The cell of an object, as this thread's agent has it open. */
export function cellOf(object: object): Cell {
  return Reflect.get(object, 'cell');
}

/** Where the header of the object's cell is. */
export function headerOf(object: SharedObject): { words: Int32Array; at: number } {
  const { words, at } = cellOf(object);
  return { words, at: at + CELL_HEADER };
}

/** A slot in which nobody sits, as far as tests go: of 255 those in use are the first. */
const EMPTY_SLOT = 200;

/** Makes the lock's word say that an agent has it in whose slot nobody sits, as damage would do. */
export function nameNobody(lock: SharedObject): void {
  const { words, at } = cellOf(lock);
  Atomics.store(words, at + CELL_STATE, EMPTY_SLOT);
}
