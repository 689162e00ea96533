/**
 * Stuck: finds the threads that can never continue, by marking, as a garbage collector finds
 * garbage.
 *
 * A living thread can act unless it is blocked, or does nothing but await one thing. A waiting
 * thread can act, too, if its wait may end by itself or has perhaps ended already, or if a thread
 * that can act could end it. The marking repeats that until nothing changes.
 *
 * The holder of a lock can end a wait for the lock. Any holder of a permit can end a wait for a
 * permit. Only all holders of an RWLock together can end a wait for it. Every thread that has an
 * event, a condition, a queue or the like open can end a wait for it. The child ends a join.
 * Threads left over are stuck, as far as Lockstep's objects go. Nothing is guessed from how long a
 * wait has lasted.
 *
 * A thread that is not certainly asleep counts as able to act: it read differently the second time,
 * or is just running. A wait also counts as open if its object may be taken out of a queue, or be
 * opened by a child that is being started.
 *
 * One question has two answers: may another thread than its holder release a lock that was made
 * with `deadlock: 'ignore'`? For `certain` it may, if it has the lock open. A circle by the other
 * rule only is still reported, as likely.
 */

import type { Chance, Thread, World } from './threads.ts';

export interface Marking {
  /** Threads that can never go on. */
  readonly certain: ReadonlySet<Thread>;
  /** The same, if no thread releases a lock for its holder. */
  readonly likely: ReadonlySet<Thread>;
  readonly chances: ReadonlyMap<Thread, readonly Chance[]>;
}

export function mark(world: World): Marking {
  const chances = new Map<Thread, Chance[]>();
  for (const thread of world.threads) {
    if (thread.life !== 'dead' && thread.waits) chances.set(thread, world.chancesOf(thread));
  }
  return {
    certain: left(world.threads, chances, true),
    likely: left(world.threads, chances, false),
    chances,
  };
}

/** The threads that are left when all that can act are marked. */
function left(threads: readonly Thread[], chances: Map<Thread, Chance[]>, strict: boolean): Set<Thread> {
  const stuck = new Set<Thread>();
  for (const thread of threads) if (isWaiting(thread, chances.get(thread))) stuck.add(thread);
  for (let changed = true; changed; ) {
    changed = false;
    for (const thread of stuck) {
      if (!chances.get(thread)!.some((chance) => isComing(chance, stuck, strict))) continue;
      stuck.delete(thread);
      changed = true;
    }
  }
  return stuck;
}

/** Whether the thread certainly waits for the known objects, and for nothing else. */
function isWaiting(thread: Thread, chances: readonly Chance[] | undefined): boolean {
  if (thread.life === 'dead' || !thread.asleep || chances === undefined || chances.length === 0) return false;
  return !thread.seats.some(({ agent }) => agent.blocked?.timed === true && agent.blocked.cell === null);
}

function isComing(chance: Chance, stuck: ReadonlySet<Thread>, strict: boolean): boolean {
  if (chance.open) return true;
  const { candidates, object } = chance;
  const anybody = object?.endedBy === 'anybody' || object?.signal === 'used';
  const others = strict && object?.signal === 'allowed';
  if (chance.unseen && (anybody || others)) return true;
  // A waiter clears up after a dead holder; a dead opener never sets anything.
  const canAct = (thread: Thread): boolean =>
    thread.life === 'dead' ? object !== undefined && object.endedBy !== 'anybody' : !stuck.has(thread);
  if (others && chance.others.some(canAct)) return true;
  // A holder that does not exist: a damaged word, which a waiter repairs.
  if (candidates.length === 0) return object !== undefined && object.endedBy !== 'anybody';
  return chance.all ? candidates.every(canAct) : candidates.some(canAct);
}

/**
 * Circles of threads, each of which holds the object that the previous one waits for: the strongly
 * connected components.
 */
export function circlesOf(marking: Marking): Thread[][] {
  const { likely, chances } = marking;
  const next = (thread: Thread): Thread[] =>
    (chances.get(thread) ?? [])
      .filter(({ object }) => object === undefined || object.endedBy !== 'anybody')
      .flatMap(({ candidates }) => candidates.filter((each) => likely.has(each)));
  return components([...likely], next).filter(
    (members) => members.length > 1 || next(members[0]!).includes(members[0]!),
  );
}

/** Tarjan's strongly connected components, each begun with the member that was reached first. */
function components<Node>(nodes: readonly Node[], next: (node: Node) => Node[]): Node[][] {
  const found: Node[][] = [];
  const order = new Map<Node, { index: number; low: number; onStack: boolean }>();
  const stack: Node[] = [];
  const visit = (node: Node): { index: number; low: number; onStack: boolean } => {
    const own = { index: order.size, low: order.size, onStack: true };
    order.set(node, own);
    stack.push(node);
    for (const other of next(node)) {
      const seen = order.get(other);
      if (seen === undefined) own.low = Math.min(own.low, visit(other).low);
      else if (seen.onStack) own.low = Math.min(own.low, seen.index);
    }
    if (own.low === own.index) {
      const members: Node[] = [];
      for (;;) {
        const member = stack.pop()!;
        order.get(member)!.onStack = false;
        members.unshift(member);
        if (member === node) break;
      }
      found.push(members);
    }
    return own;
  };
  for (const node of nodes) if (!order.has(node)) visit(node);
  return found;
}
