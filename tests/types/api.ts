/**
 * The promises of the public API's types: this file compiles, and each `@ts-expect-error` line
 * would not. Never run.
 */

import {
  type AsyncBarrier,
  type AsyncCondition,
  type AsyncEvent,
  type AsyncJoinableQueue,
  type AsyncLatch,
  type AsyncLock,
  type AsyncQueue,
  type AsyncRWLock,
  type AsyncSemaphore,
  type AsyncValue,
  Barrier,
  BoundedSemaphore,
  Condition,
  type DeadlockError,
  type Elements,
  Event,
  type Hold,
  JoinableQueue,
  Latch,
  Lock,
  type Owner,
  Process,
  Queue,
  RawArray,
  RawValue,
  type RecordArray,
  type RecordView,
  RLock,
  RWLock,
  Semaphore,
  ShareableList,
  SharedArray,
  SharedMemory,
  struct,
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
  is<boolean>()(lock.recovered);
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

export function arrays(): void {
  is<number>()(new SharedArray('i32', 5).at(0));
  is<bigint>()(new SharedArray('u64', [1n, 2]).at(0));
  is<boolean>()(new RawArray('bool', [true]).at(0));
  is<Float64Array<ArrayBuffer>>()(new SharedArray('d', 5).view);
  is<Uint8Array<ArrayBuffer>>()(new RawArray('char', 'hello').view);
  is<string>()(new SharedArray('c', 5).value);
  is<bigint[]>()([...new SharedArray('i64', 5)]);
  is<number>()(new RawValue('u16').value);
  is<number>()(new RawValue('u16').add(1));
  is<Lock | RLock>()(new SharedArray('i32', 5, { lock: new Lock() }).lock);
  // @ts-expect-error there is no such type
  new SharedArray('i31', 5);
  // @ts-expect-error only text is made of a string
  new SharedArray('u8', 'hello');
  // @ts-expect-error 32 bits are no bigint
  new SharedArray('i32', [1n]);
  // @ts-expect-error only text has a value
  new SharedArray('u8', 5).value = 'hello';
  // @ts-expect-error it has no lock
  new RawArray('u8', 5).lock;
  // @ts-expect-error it has no lock
  new RawValue('u8', 5, { lock: true });
  // @ts-expect-error the length is fixed
  new SharedArray('u8', 5).length = 6;
}

const Inner = struct({ flag: 'bool' });
const Point = struct({ x: 'f64', id: 'q', tags: 'u8[4]', name: 'char[16]', inner: Inner, list: [Inner, 3] });
class Named extends struct({ name: 'char[8]', side: 'f32' }) {
  get area(): number {
    return this.side ** 2;
  }
}

export function records(array: RecordArray<typeof Point.schema>): void {
  const point = new Point({ x: 1, id: 5, tags: [1, 2], inner: { flag: true }, list: [{}] }, { lock: false });
  is<number>()(point.x);
  is<bigint>()(point.id);
  is<string>()(point.name);
  is<Elements<'u8'>>()(point.tags);
  is<number>()(point.tags.at(0));
  is<boolean>()(point.inner.flag);
  is<boolean>()(point.list.at(0).flag);
  is<boolean>()(point.toObject().list[0]!.flag);
  is<number[]>()(point.toObject().tags);
  is<string>()(point.handle);
  is<number>()(point.runSync(() => 5));
  is<RecordView<typeof Point.schema>>()(array.at(0));
  is<bigint>()(Point.array(5).at(0).id);
  is<number>()(new Named({ side: 2 }).area);
  is<number>()(Point.open('handle').x);
  point.x = 5;
  point.name = 'five';
  point.assign({ tags: new Uint8Array(4), list: [{ flag: true }] });
  point.close();
  // @ts-expect-error there is no such type
  struct({ x: 'f65' });
  // @ts-expect-error text has a length
  struct({ x: 'char' });
  // @ts-expect-error no such field
  new Point({ y: 1 });
  // @ts-expect-error a 64-bit field is a bigint
  point.id = 5;
  // @ts-expect-error a number field is no text
  point.x = 'five';
  // @ts-expect-error a row is changed in itself
  point.tags = [1, 2];
  // @ts-expect-error no such field within
  point.assign({ inner: { flags: true } });
}

export function blocksAndLists(block: SharedMemory, list: ShareableList): void {
  is<ArrayBuffer>()(block.buffer);
  is<string>()(block.name);
  is<number>()(block.size);
  is<string | number | bigint | boolean | null | Uint8Array>()(list.at(0));
  is<number>()(list.indexOf('text'));
  new ShareableList({ name: 'list', namespace: 'orders' });
  new ShareableList([1, 'two', null, new Uint8Array(3)], { name: 'list' });
  // @ts-expect-error a list holds no objects
  new ShareableList([{}]);
  // @ts-expect-error it has neither values nor a name
  new ShareableList({});
  // @ts-expect-error a size is a number
  new SharedMemory({ create: true, size: '5' });
  // @ts-expect-error nobody changes the name
  block.name = 'other';
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
  new Lock({ deadlock: 'ignore', stacks: true });
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

/** The classes in shared memory satisfy the contracts that the cluster's satisfy. */
export async function awaitingHalves(): Promise<void> {
  const locks: AsyncLock[] = [new Lock(), new RLock()];
  const semaphores: AsyncSemaphore[] = [new Semaphore(), new BoundedSemaphore()];
  const condition: AsyncCondition = new Condition();
  const event: AsyncEvent = new Event();
  const barrier: AsyncBarrier = new Barrier(2);
  const rwlock: AsyncRWLock = new RWLock();
  const latch: AsyncLatch = new Latch(1);
  const value: AsyncValue = new Value('i32');
  const queue: AsyncQueue<string> = new Queue<string>();
  const jobs: AsyncJoinableQueue<string> = new JoinableQueue<string>();
  const hold = await new Lock().acquire();
  is<number>()(hold.token);
  is<boolean>()(hold.valid);
  is<AbortSignal>()(hold.signal);
  is<boolean>()(await locks[0]!.locked);
  is<number>()(await semaphores[0]!.value);
  is<boolean>()(await event.isSet());
  is<number>()(await barrier.nWaiting);
  is<number>()(await latch.countDown());
  is<number>()(await value.add(1));
  is<string | null>()(await queue.tryGet());
  is<boolean>()(await jobs.join({ timeout: 5 }));
  is<number | null>()(await rwlock.read.run(() => 1, { timeout: 5 }));
  is<void>()(await condition.notify());
}
