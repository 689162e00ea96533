/** What the types of the public API promise: this file compiles, and each `@ts-expect-error` line would not. Never run. */

import {
  Barrier,
  BoundedSemaphore,
  Condition,
  type DeadlockError,
  Event,
  type Hold,
  type Latch,
  Lock,
  type Owner,
  Process,
  RLock,
  RWLock,
  Semaphore,
  Thread,
  Value,
  type WaitOptions,
} from 'lockstep';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only if the value's type is exactly `T`. */
function is<T>(): <V>(_value: V, ..._same: Same<V, T> extends true ? [] : [never]) => void {
  return () => {};
}

export async function acquiring(lock: Lock, options: WaitOptions, signal: AbortSignal): Promise<void> {
  for (const object of [lock, new RLock(), new Semaphore(), new BoundedSemaphore()] as const) {
    is<Hold>()(await object.acquire());
    is<Hold>()(object.acquireSync());
    is<Hold>()(await object.acquire({}));
    is<Hold>()(await object.acquire({ signal }));
    is<Hold>()(object.acquireSync({ signal }));
    is<Hold | null>()(await object.acquire({ timeout: 5 }));
    is<Hold | null>()(object.acquireSync({ timeout: 5 }));
    is<Hold | null>()(await object.acquire({ timeout: 5, signal }));
    is<Hold | null>()(await object.acquire(options));
    is<Hold | null>()(object.acquireSync(options));
    is<Hold | null>()(object.tryAcquire());
  }
  is<Owner | null>()(lock.owner);
  is<boolean>()(lock.locked);
  is<number>()(new RLock().depth);
  // @ts-expect-error what may be null has no release
  lock.acquireSync({ timeout: 5 }).release();
  // @ts-expect-error tryAcquire takes no timeout
  lock.tryAcquire({ timeout: 5 });
  // @ts-expect-error a timeout is a number
  lock.acquireSync({ timeout: '5' });
  // @ts-expect-error there is no such option
  lock.acquireSync({ timeOut: 5 });
  // @ts-expect-error nobody sets the owner
  lock.owner = null;
}

export async function scoped(lock: Lock, condition: Condition, semaphore: Semaphore): Promise<void> {
  using hold = lock.acquireSync();
  is<boolean>()(hold.recovered);
  await using other = await lock.acquire();
  is<void>()(other.release());
  is<number>()(await lock.run(() => 5));
  is<number>()(await lock.run(async () => 5));
  is<number>()(lock.runSync(() => 5));
  is<string>()(await condition.run(async () => 'done'));
  is<string>()(semaphore.runSync(() => 'done'));
  is<number | null>()(await lock.run(() => 5, { timeout: 5 }));
  is<number | null>()(lock.runSync(() => 5, { timeout: 5 }));
  // @ts-expect-error a hold's mark is not to be changed
  hold.recovered = true;
  // @ts-expect-error run takes a function
  await lock.run(5);
}

export async function waiting(condition: Condition, event: Event, barrier: Barrier): Promise<void> {
  is<boolean>()(await condition.wait());
  is<boolean>()(condition.waitSync({ timeout: 5 }));
  is<number>()(await condition.waitFor(() => 5));
  is<string | undefined>()(condition.waitForSync(() => ['done'][0]));
  is<boolean>()(await event.wait({ timeout: 5 }));
  is<boolean>()(event.waitSync());
  is<boolean>()(event.isSet());
  is<number>()(await barrier.wait());
  is<number>()(barrier.waitSync({ timeout: 5 }));
  is<number>()(barrier.parties);
  is<boolean>()(barrier.broken);
  condition.notify();
  condition.notify(2);
  condition.notifyAll();
  // @ts-expect-error notify takes a number
  condition.notify('2');
  // @ts-expect-error waitFor takes a predicate
  await condition.waitFor(true);
  // @ts-expect-error the number of parties is fixed
  barrier.parties = 3;
}

export function constructing(): void {
  new Lock({ name: 'invoices', namespace: 'orders' });
  new Condition(new Lock());
  new Condition(new RLock(), { name: 'ready' });
  new Barrier(2, { timeout: 5, name: 'start' });
  is<Lock>()(Lock.open('handle'));
  is<string>()(new Event().handle);
  // @ts-expect-error a name is a string
  new Lock({ name: 5 });
  // @ts-expect-error a semaphore is not a lock
  new Condition(new Semaphore());
  // @ts-expect-error a barrier has parties
  new Barrier();
}

export function values(): void {
  is<number>()(new Value('i32', 0).value);
  is<number>()(new Value('f64').value);
  is<bigint>()(new Value('i64', 0n).value);
  is<bigint>()(new Value('Q').value);
  is<boolean>()(new Value('bool', false).value);
  is<number>()(new Value('i32', 0).add(1));
  is<bigint>()(new Value('u64', 0n).exchange(1n));
  new Value('i32', 0, { lock: false });
  new Value('i32', 0, { lock: new RLock() });
  // @ts-expect-error there is no such type
  new Value('i31', 0);
  // @ts-expect-error a 64-bit integer is not a string
  new Value('i64', '0');
  // @ts-expect-error a 32-bit value is a number
  new Value('i32', 0).value = 5n;
  // @ts-expect-error a float has no bits to set
  new Value('f64', 0).or(1);
}

export function work(lock: Lock, times: number): string {
  return `${lock.name} ${times}`;
}

export async function working(lock: Lock): Promise<void> {
  const child = new Process({ target: work, args: [lock, 5] });
  const thread = new Thread({ target: work, args: [lock, 5], name: 'worker', daemon: true });
  is<string>()(await child.result);
  is<string>()(await thread.result);
  is<boolean>()(await child.join());
  is<boolean>()(await child.join(500));
  is<boolean>()(child.joinSync());
  is<number | null>()(child.exitCode);
  is<boolean>()(child.isAlive());
  is<AbortSignal>()(child.sentinel);
  // @ts-expect-error the arguments are those of the target
  new Process({ target: work, args: [lock, '5'] });
  // @ts-expect-error none is missing
  new Thread({ target: work, args: [lock] });
  // @ts-expect-error a target is a function
  new Process({ target: 'work' });
}

export async function deadlocksAndFurther(lock: RWLock, latch: Latch, error: DeadlockError): Promise<void> {
  new Lock({ deadlock: 'ignore', trace: true });
  // @ts-expect-error no such policy
  new RLock({ deadlock: 'warn' });
  is<Hold | null>()(await lock.read.acquire({ timeout: 5, deadlock: 'ignore' }));
  is<Hold>()(lock.write.acquireSync());
  is<number>()(await lock.write.run(() => 1));
  // @ts-expect-error no such side first
  new RWLock({ prefer: 'nobody' });
  is<number>()(latch.countDown(2));
  is<boolean>()(await latch.wait({ timeout: 1 }));
  is<string | null | undefined>()(error.cycle[0]?.stack);
}
