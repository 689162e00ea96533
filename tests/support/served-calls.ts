/**
 * Awaiting calls that are served at once, each repeated until the event loop of its thread has had
 * its turns.
 */

import assert from 'node:assert/strict';
import { isMainThread } from 'node:worker_threads';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  type Connection,
  Event,
  JoinableQueue,
  Latch,
  Lock,
  Pipe,
  Queue,
  QueueEmptyError,
  QueueFullError,
  RLock,
  RWLock,
  Semaphore,
  SimpleQueue,
  Thread,
  Value,
  waitAny,
} from 'lockstep';

type Repeat = (served: () => boolean) => Promise<void>;

/** Repeats the call until a timer, an immediate, a signal and, in a process, SIGUSR2 have come. */
async function untilServed(repeat: Repeat): Promise<void> {
  let missing = 3;
  const come = (): number => missing--;
  setTimeout(come, 1);
  setImmediate(come);
  AbortSignal.timeout(1).addEventListener('abort', come, { once: true });
  if (isMainThread) {
    missing++;
    process.once('SIGUSR2', come);
    process.kill(process.pid, 'SIGUSR2');
  }
  await repeat(() => missing === 0);
}

function again(call: () => Promise<unknown>): Repeat {
  return async (served) => {
    while (!served()) await call();
  };
}

/** As `again`, for a call that fails each time. */
function refused(call: () => Promise<unknown>, error: new (...args: never[]) => Error): Repeat {
  return again(() => assert.rejects(call, error));
}

/** Each is one loop, by the name of what it calls. */
function loops(): Record<string, Repeat> {
  const lock = new Lock();
  const rlock = new RLock();
  const rwlock = new RWLock();
  const semaphore = new Semaphore(2);
  const bounded = new BoundedSemaphore(1);
  const taken = new Lock();
  taken.acquireSync();
  const value = new Value('i32');
  const set = new Event();
  set.set();
  const unset = new Event();
  const latch = new Latch(0);
  const barrier = new Barrier(1);
  const queue = new Queue<number>();
  const empty = new Queue<number>();
  const simple = new SimpleQueue<number>();
  const full = new Queue<number>({ maxSize: 1 });
  full.putSync(1);
  const ending = new Queue<number>({ endsWithProducers: true });
  const joinable = new JoinableQueue<number>();
  const [here, there] = Pipe();
  const ended = new Thread({ target: endsAtOnce });
  ended.start();
  ended.joinSync();
  const once = { timeout: 0 };
  const take = async (call: { acquire(): Promise<{ release(): void }> }): Promise<void> =>
    (await call.acquire()).release();
  return {
    'lock.acquire': again(() => take(lock)),
    'lock.acquire, with a timeout': again(async () => (await lock.acquire({ timeout: 60_000 }))?.release()),
    'lock.acquire, once': again(async () => (await lock.acquire(once))?.release()),
    'lock.acquire of a taken lock, once': again(() => taken.acquire(once)),
    'lock.run': again(() => lock.run(() => {})),
    'rlock.run': again(() => rlock.run(() => rlock.run(() => {}))),
    'rwlock.read.acquire': again(() => take(rwlock.read)),
    'rwlock.write.run': again(() => rwlock.write.run(() => {})),
    'semaphore.acquire': again(() => take(semaphore)),
    'semaphore.acquire, while the thread blocks for another permit': again(async () => {
      const first = semaphore.acquire();
      semaphore.acquireSync().release();
      (await first).release();
    }),
    'boundedSemaphore.run': again(() => bounded.run(() => {})),
    'value.run': again(() => value.run(() => value.value++)),
    'event.wait': again(() => set.wait()),
    'event.wait, once': again(() => unset.wait(once)),
    'latch.wait': again(() => latch.wait()),
    'barrier.wait': again(() => barrier.wait()),
    'queue.put, queue.get': again(async () => {
      await queue.put(1);
      assert.equal(await queue.get(), 1);
    }),
    'queue.get, once': refused(() => empty.get(once), QueueEmptyError),
    'queue.put, once': refused(() => full.put(2, once), QueueFullError),
    'queue.put alone': again(async () => {
      await queue.put(1);
      queue.tryGet();
    }),
    'for await of a queue': async (served) => {
      queue.putSync(1);
      for await (const item of queue) {
        if (served()) return;
        queue.putSync(item);
      }
    },
    'simpleQueue.put, simpleQueue.get': again(async () => {
      await simple.put(1);
      await simple.get();
    }),
    'queue.producer.put': again(async () => {
      await ending.producer.put(1);
      ending.tryGet();
    }),
    'joinableQueue.join': again(() => joinable.join()),
    'connection.send, connection.recv': again(async () => {
      await here.send(1);
      assert.equal(await there.recv(), 1);
    }),
    'connection.sendBytes, connection.recvBytes': again(async () => {
      await here.sendBytes(new Uint8Array(8));
      await there.recvBytes();
    }),
    'connection.poll': again(() => there.poll()),
    'for await of a connection': async (served) => {
      here.sendSync(1);
      for await (const message of there) {
        if (served()) return;
        here.sendSync(message);
      }
    },
    'waitAny of what is ready': again(() => waitAny([full])),
    'waitAny, once': again(() => waitAny([empty], once)),
    'child.join': again(() => ended.join()),
    'a lock that two calls of a thread hand to each other': async (served) => {
      const hold = again(() => lock.run(() => Promise.resolve()));
      await Promise.all([hold(served), hold(served)]);
    },
    'an item that one call of a thread puts for another': async (served) => {
      let more = true;
      const put = async (): Promise<void> => {
        while (!served()) await full.put(1);
        more = false;
        // The other call may wait for one more.
        await full.put(1);
      };
      const get = async (): Promise<void> => {
        while (more) await full.get();
      };
      await Promise.all([put(), get()]);
    },
    'a condition by which two calls of a thread notify each other': async (served) => {
      const condition = new Condition();
      let turn = 0;
      const play = async (me: number): Promise<void> => {
        while (!served()) {
          await condition.run(async () => {
            turn = 1 - me;
            condition.notifyAll();
            await condition.waitFor(() => turn === me || served());
          });
        }
        await condition.run(() => condition.notifyAll());
      };
      await Promise.all([play(0), play(1)]);
    },
  };
}

export function endsAtOnce(): void {}

/** A child that makes all the calls, and says which it begins, and that it has ended. */
export async function callAll(begun: Queue<string>): Promise<void> {
  for (const [name, repeat] of Object.entries(loops())) {
    begun.putSync(name);
    await untilServed(repeat);
  }
  begun.putSync('end');
}

/** A child that puts without end. */
export function putOn(queue: Queue<number>): void {
  for (let i = 0; ; i++) queue.putSync(i);
}

/** A child that sends without end. */
export function sendOn(connection: Connection): void {
  for (let i = 0; ; i++) connection.sendSync(i);
}

/** A child that takes what the other two put and send, and says how, as `callAll` does. */
export async function takeAll(
  begun: Queue<string>,
  queue: Queue<number>,
  connection: Connection,
): Promise<void> {
  const ways: Record<string, Repeat> = {
    'for await of a queue': async (served) => {
      for await (const _ of queue) if (served()) return;
    },
    'queue.get': again(() => queue.get()),
    'for await of a connection': async (served) => {
      for await (const _ of connection) if (served()) return;
    },
    'connection.recv': again(() => connection.recv()),
  };
  for (const [name, repeat] of Object.entries(ways)) {
    begun.putSync(name);
    await untilServed(repeat);
  }
  begun.putSync('end');
}

/**
 * Calls of each thread keep their order, and a call whose signal aborts at once has either taken
 * what it wanted, or left it. A child that tries this while its calls go on without a turn.
 */
export async function keepOrder(): Promise<void> {
  const queue = new Queue<number>();
  const lock = new Lock();
  let rejected = 0;
  let next = 0;
  const abortAtOnce = async (): Promise<void> => {
    queue.putSync(next);
    const control = new AbortController();
    const wait = { signal: control.signal };
    const both = [queue.get(wait), lock.acquire(wait)] as const;
    control.abort();
    const [item, hold] = await Promise.allSettled(both);
    rejected += item.status === 'rejected' ? 1 : 0;
    assert.equal(item.status === 'rejected' ? queue.tryGet() : item.value, next++);
    if (hold.status === 'fulfilled') hold.value?.release();
    assert.equal(lock.locked, false);
  };
  const takeThree = async (): Promise<void> => {
    const first = next;
    const order: number[] = [];
    const take = async (): Promise<void> => {
      order.push(await queue.get());
    };
    for (let i = 0; i < 3; i++) queue.putSync(next++);
    await Promise.all([take(), take(), take()]);
    assert.deepEqual(order, [first, first + 1, first + 2]);
  };
  await untilServed(async (served) => {
    while (!served() || rejected === 0) {
      await abortAtOnce();
      await takeThree();
    }
  });
}
