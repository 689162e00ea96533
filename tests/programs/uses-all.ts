/** Uses one of each and closes nothing: prints `done`, and has to end by itself. */

import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore, Value } from 'lockstep';

const lock = new Lock();
const named = new Lock({ name: 'uses-all' });
const rlock = new RLock();
const semaphore = new Semaphore(2);
const bounded = new BoundedSemaphore(2);
const condition = new Condition();
const event = new Event();
const barrier = new Barrier(2);
const value = new Value('i32', 0);

await lock.run(async () => value.add(1));
await named.run(async () => value.add(1));
await rlock.run(() => rlock.run(async () => value.add(1)));
await semaphore.run(async () => value.add(1));
await bounded.run(async () => value.add(1));
await condition.run(async () => condition.wait({ timeout: 5 }));
await Promise.all([event.wait(), Promise.resolve().then(() => event.set())]);
await Promise.all([barrier.wait(), barrier.wait()]);
await lock.acquire();
console.log(`done ${value.value}`);
