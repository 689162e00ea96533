/**
 * Calls: everything that can be asked of an object, each with what bounds its waits, where there is
 * anything.
 */

import { inspect } from 'node:util';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Connection,
  Event,
  JoinableQueue,
  Latch,
  Lock,
  openShared,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  ShareableList,
  SimpleQueue,
  waitAny,
} from 'lockstep';
import type { Random } from '../soak/random.ts';
import type { Thing } from './company.ts';

type Call = () => unknown;

/**
 * An item for a queue: plain, nested, bytes, a clone, larger than the ring, or with a shared object
 * in it.
 */
function item(things: readonly Thing[], random: Random): unknown {
  return random.pick<() => unknown>([
    () => random.below(1000),
    () => ({ a: [1, 'two', { deep: [null, undefined, 3.5] }], b: 'x'.repeat(random.below(300)) }),
    () => new Uint8Array(random.below(600)),
    () => new Map([[1, new Set([2n])]]),
    () => new Error('sent'),
    () => 'y'.repeat(3000),
    () => ({ lock: things.find((thing) => thing instanceof Lock && !thing.closed) ?? 0 }),
  ])();
}

/**
 * Calls that fit the object. Calls without a time limit wait only for things that others do
 * in moments.
 */
export function callsFor(
  thing: Thing,
  things: readonly Thing[],
  random: Random,
  late: (call: Promise<unknown>) => void,
): Call[] {
  const timeout = random.below(12);
  const wait = { timeout };
  const calls: Call[] = [
    () => inspect(thing),
    () => JSON.stringify(thing, (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
    () => thing.describe(),
    () => thing.handle,
    () => openShared(thing.handle)[Symbol.dispose](),
  ];
  if (thing instanceof Lock || thing instanceof RLock || thing instanceof Condition) {
    calls.push(
      () => thing.acquireSync(wait)?.release(),
      async () => (await thing.acquire(wait))?.release(),
      () => thing.tryAcquire()?.release(),
      () => thing.acquireSync(wait),
      () => thing.release(),
      () => [thing.locked, thing.owner, thing.recovered],
      () => thing.run(() => {}, wait),
    );
  }
  if (thing instanceof Condition) {
    calls.push(
      () => thing.runSync(() => thing.waitSync(wait), wait),
      () => thing.run(() => thing.wait(wait), wait),
      () => thing.runSync(() => thing.notify(2), wait),
      () => thing.runSync(() => thing.notifyAll(), wait),
    );
  }
  if (thing instanceof Semaphore || thing instanceof BoundedSemaphore) {
    calls.push(
      () => thing.acquireSync(wait),
      () => thing.acquire(wait),
      () => thing.tryAcquire(),
      () => thing.release(),
      () => thing.release(2),
      () => thing.value,
    );
  }
  if (thing instanceof RWLock) {
    for (const side of [thing.read, thing.write]) {
      calls.push(
        () => side.acquireSync(wait)?.release(),
        async () => (await side.acquire(wait))?.release(),
        () => side.tryAcquire(),
        () => side.release(),
      );
    }
  }
  if (thing instanceof Event) {
    calls.push(
      () => thing.set(),
      () => thing.clear(),
      () => thing.isSet(),
      () => thing.waitSync(wait),
      () => thing.wait(wait),
    );
  }
  if (thing instanceof Latch) {
    calls.push(
      () => thing.countDown(),
      () => thing.count,
      () => thing.waitSync(wait),
      () => thing.wait(wait),
    );
  }
  if (thing instanceof Barrier) {
    calls.push(
      () => thing.waitSync(wait),
      () => thing.wait(wait),
      () => thing.reset(),
      () => thing.abort(),
      () => [thing.nWaiting, thing.broken, thing.parties],
    );
  }
  if (thing instanceof Queue || thing instanceof JoinableQueue) {
    calls.push(
      () => thing.putSync(item(things, random), wait),
      () => thing.put(item(things, random), wait),
      () => thing.tryPut(item(things, random)),
      () => thing.getSync(wait),
      () => thing.get(wait),
      () => thing.tryGet(),
      () => [thing.size, thing.empty, thing.full],
      () => waitAny([thing], wait),
    );
    if (random.percent(20)) calls.push(() => thing.close());
  }
  if (thing instanceof JoinableQueue) {
    calls.push(
      () => thing.taskDone(),
      () => thing.joinSync(wait),
      () => thing.join(wait),
    );
  }
  if (thing instanceof SimpleQueue) {
    // These may wait until the queue is closed.
    calls.push(
      () => late(thing.put(item(things, random))),
      () => late(thing.get()),
    );
  }
  if (thing instanceof Connection) {
    calls.push(
      () => thing.sendSync(item(things, random), wait),
      () => thing.send(item(things, random), wait),
      () => thing.recvSync(wait),
      () => thing.recv(wait),
      () => thing.pollSync(wait),
      () => thing.poll(wait),
    );
  }
  if (thing instanceof ShareableList)
    calls.push(
      () => thing.toArray(),
      () => thing.set(1, 'tow'),
    );
  if ('lock' in thing && 'runSync' in thing && !(thing instanceof Condition)) {
    const guarded = thing as unknown as { lock: RLock };
    calls.push(() => guarded.lock.runSync(() => {}, wait));
  }
  if ('at' in thing) {
    const list = thing as unknown as { at(index: number): unknown; length: number };
    calls.push(
      () => list.at(random.below(3)),
      () => list.length,
    );
  }
  if (random.percent(10)) calls.push(() => thing[Symbol.dispose]());
  return calls;
}
