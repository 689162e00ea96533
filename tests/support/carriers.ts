/** Children that use shared objects which come in items of a queue. */

import type { Connection, Event, Queue, Value } from 'lockstep';
import { channelOf, contend } from './internals.ts';

/** Takes an end of a pipe out of the queue once `go` is set, uses it, and closes it. */
export function takesEnd(queue: Queue<Connection>, go: Event, done: Event): void {
  go.waitSync();
  const end = queue.getSync();
  end.sendSync('hello');
  done.set();
  end.close();
}

export interface Carried {
  value: Value;
  /** A part that makes the item go the slower way. */
  ballast: unknown;
}

/**
 * Takes an item, slowly; returns the number in the shared object within. `taken` is set when it is
 * taken, and `go` lets it look into it.
 */
export function takesSlowly(queue: Queue<Carried>, taken: Event, go: Event): number {
  contend(queue);
  const { rooms } = channelOf(queue);
  rooms.announce = (): void => {
    Reflect.deleteProperty(rooms, 'announce');
    taken.set();
    go.waitSync();
  };
  return queue.getSync().value.value;
}
