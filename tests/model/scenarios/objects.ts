/** The objects of scenarios: each made by the first agent, and opened by all later ones. */

import type {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Latch,
  Lock,
  RLock,
  RWLock,
  Semaphore,
} from 'lockstep';
import { store } from '../atomics.ts';
import type { Cell, SharedObject } from '../internals.ts';
import { CELL_STATE, CELL_TICKETS } from '../internals.ts';
import type { Library } from '../library.ts';
import { machine } from '../machine.ts';
import type { Share } from '../scenario.ts';
import { actorWord, DEAD, MAX_ACTORS, STATUS } from '../state.ts';
import { NAMESPACE } from '../world.ts';

const options = { namespace: NAMESPACE };

export function aLock(share: Share, { Lock }: Library): Lock {
  return share(
    () => new Lock(options),
    (handle) => Lock.open(handle),
  );
}

export function anRLock(share: Share, { RLock }: Library): RLock {
  return share(
    () => new RLock(options),
    (handle) => RLock.open(handle),
  );
}

export function aSemaphore(share: Share, { Semaphore }: Library, permits: number): Semaphore {
  return share(
    () => new Semaphore(permits, options),
    (handle) => Semaphore.open(handle),
  );
}

export function aBoundedSemaphore(
  share: Share,
  { BoundedSemaphore }: Library,
  permits: number,
): BoundedSemaphore {
  return share(
    () => new BoundedSemaphore(permits, options),
    (handle) => BoundedSemaphore.open(handle),
  );
}

/** A condition on a lock that is not re-entrant: simpler, and the notifications are the same. */
export function aCondition(share: Share, lib: Library, lock: Lock | RLock): Condition {
  return share(
    () => new lib.Condition(lock),
    (handle) => lib.Condition.open(handle),
  );
}

export function anEvent(share: Share, { Event }: Library): Event {
  return share(
    () => new Event(options),
    (handle) => Event.open(handle),
  );
}

export function anRWLock(share: Share, { RWLock }: Library, prefer: 'readers' | 'writers'): RWLock {
  return share(
    () => new RWLock({ ...options, prefer }),
    (handle) => RWLock.open(handle),
  );
}

export function aLatch(share: Share, { Latch }: Library, count: number): Latch {
  return share(
    () => new Latch(count, options),
    (handle) => Latch.open(handle),
  );
}

export function aBarrier(share: Share, { Barrier }: Library, parties: number): Barrier {
  return share(
    () => new Barrier(parties, options),
    (handle) => Barrier.open(handle),
  );
}

/**
 * Makes the object's word name a slot in which nobody sits, and whose lock is free, as damage would
 * do. The word has nothing but the slot in it.
 */
export function nameNobody(object: SharedObject): void {
  machine.state[actorWord(MAX_ACTORS - 1) + STATUS] = DEAD;
  setWord(object, CELL_STATE, MAX_ACTORS);
}

/**
 * The last ticket before the counter's sign changes: of three waiters the first has it, and the
 * others have later ones.
 */
const LAST_TICKET = 0x7fffffff;

export function cellOf(object: SharedObject): Cell {
  const cell: unknown = Reflect.get(object, 'cell');
  return cell as Cell;
}

/** Sets a word of the object's cell. */
export function setWord(object: SharedObject, word: number, value: number): void {
  const { words, at } = cellOf(object);
  store(words, at + word, value);
}

/** The next waiters draw tickets on both sides of the counter's end. */
export function drawLastTickets(object: SharedObject): void {
  setWord(object, CELL_TICKETS, LAST_TICKET);
}
