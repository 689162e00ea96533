/** The work of a process that is never stuck, though it mostly waits. */

import type { Event, Latch, Lock, Queue, RWLock, Value } from 'lockstep';

export interface Tools {
  readonly a: Lock;
  readonly b: Lock;
  readonly rw: RWLock;
  readonly queue: Queue<number>;
  readonly event: Event;
  readonly stop: Value<'i32'>;
  readonly begun: Latch;
}

/** Passes items around, and takes locks within each other, until it is to stop. */
export function hammer({ a, b, rw, queue, event, stop, begun }: Tools): void {
  begun.countDown();
  begun.waitSync();
  while (stop.value === 0) {
    a.runSync(() => b.runSync(() => {}));
    rw.write.runSync(() => {});
    rw.read.runSync(() => {});
    queue.putSync(1);
    queue.getSync();
    event.set();
    event.waitSync();
    event.clear();
    event.set();
  }
}
