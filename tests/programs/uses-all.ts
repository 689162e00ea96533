/** Uses one of each and closes nothing: prints `done`, and has to end by itself. */

import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  RLock,
  Semaphore,
  ShareableList,
  SharedArray,
  SharedMemory,
  struct,
  Value,
} from 'lockstep';

const lock = new Lock();
const named = new Lock({ name: 'uses-all' });
const rlock = new RLock();
const semaphore = new Semaphore(2);
const bounded = new BoundedSemaphore(2);
const condition = new Condition();
const event = new Event();
const barrier = new Barrier(2);
const value = new Value('i32', 0);
const array = new SharedArray('i32', 5);
const block = new SharedMemory({ create: true, name: 'uses-all-block', size: 5 });
const list = new ShareableList(['text', 1]);
const Point = struct({ x: 'f64' });
const point = new Point();

await lock.run(async () => value.add(1));
await named.run(async () => value.add(1));
await rlock.run(() => rlock.run(async () => value.add(1)));
await semaphore.run(async () => value.add(1));
await bounded.run(async () => value.add(1));
await condition.run(async () => condition.wait({ timeout: 5 }));
await Promise.all([event.wait(), Promise.resolve().then(() => event.set())]);
await Promise.all([barrier.wait(), barrier.wait()]);
await array.run(() => array.set(0, 5));
await point.run(() => point.assign({ x: array.at(0) }));
list.set(0, String(block.size));
await lock.acquire();
console.log(`done ${value.value}`);
