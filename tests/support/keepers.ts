/** Targets that put what they have made into queues and pipes, and end in one way or another. */

import {
  Condition,
  type Connection,
  type Event,
  Lock,
  Pipe,
  Queue,
  RawArray,
  RLock,
  SharedArray,
  SharedMemory,
  Thread,
  Value,
} from 'lockstep';
import type { SharedObject } from './wire.ts';

/** How a producer ends, once it has put. */
export type Ending = 'returns' | 'killed' | 'closes' | 'leaves' | 'exits' | 'awaits room';
/** In what an object travels: within the ring, cloned, by a file of its own. */
export type Wrapping = 'small' | 'cloned' | 'far';

const FAR = 'x'.repeat(5_000_000);

export function wrap(object: unknown, wrapping: Wrapping): unknown {
  if (wrapping === 'cloned') return new Map([['object', object]]);
  return wrapping === 'far' ? { object, ballast: FAR } : { object };
}

export function unwrap<Carried>(item: unknown): Carried {
  return (item instanceof Map ? item.get('object') : (item as { object: unknown }).object) as Carried;
}

/** Puts a fresh array of [1, 2, 3], with a lock of its own, and ends. */
export async function produce(
  to: Queue | Connection,
  handles: Queue<string>,
  wrapping: Wrapping,
  ending: Ending,
): Promise<void> {
  const array = new SharedArray('i32', [1, 2, 3]);
  await handles.put(array.handle);
  const item = wrap(array, wrapping);
  if (ending === 'awaits room') {
    const put = (to as Queue).put(item);
    array.close();
    await put;
    return;
  }
  if ('put' in to) await to.put(item);
  else await to.send(item);
  if (ending === 'killed') process.kill(process.pid, 'SIGKILL');
  if (ending === 'closes' || ending === 'leaves') array.close();
  if (ending === 'leaves') to[Symbol.dispose]();
  if (ending === 'exits') process.exit(0);
}

/** Objects that need others, by name; each is checked by `uses`. */
export const COMPOUND = {
  'an array with its lock': () => new SharedArray('i32', [5]),
  'an array with a given lock': () => new SharedArray('i32', [5], { lock: new Lock() }),
  'a value': () => new Value('i32', 5),
  'a condition': () => new Condition(new RLock()),
  'a queue with an item': () => {
    const queue = new Queue();
    queue.putSync({ inner: new SharedArray('u8', [7]) });
    return queue;
  },
  'an end of a pipe, of which nobody has the other end': () => {
    const [here, there] = Pipe();
    there.sendSync(new SharedArray('u8', [7]));
    there.close();
    return here;
  },
  'a block': () => {
    const block = new SharedMemory({ create: true, size: 1 });
    new Uint8Array(block.buffer)[0] = 7;
    return block;
  },
} satisfies Record<string, () => SharedObject>;

/** Puts one of each, and is killed. */
export function produceCompound(queue: Queue): void {
  for (const make of Object.values(COMPOUND)) queue.putSync(make());
  process.kill(process.pid, 'SIGKILL');
}

/** Takes an item, and is killed with what it has taken in its hands. */
export function takesAndDies(queue: Queue): void {
  queue.getSync();
  process.kill(process.pid, 'SIGKILL');
}

/** Has the queue open, as the only one, and is killed. */
export function holdsAndDies(queue: Queue, opened: Event, go: Event): void {
  opened.set();
  go.waitSync();
  void queue.size;
  process.kill(process.pid, 'SIGKILL');
}

/** Takes, changes and passes on, stage after stage. */
export async function passesOn(from: Queue<RawArray>, to: Queue<RawArray>, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    using array = await from.get();
    array.set(0, array.at(0) + 1);
    await to.put(array);
  }
}

export async function makes(to: Queue<RawArray>, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await to.put(new RawArray('i32', [0, n]));
}

/** A thread that puts from a thread of its own. */
export async function producesByThread(queue: Queue, handles: Queue<string>): Promise<void> {
  const thread = new Thread({ target: produce, args: [queue, handles, 'small', 'returns'] });
  thread.start();
  await thread.join();
}

/** Puts fresh arrays until it is killed. */
export function floods(queue: Queue<RawArray>, seen: Event): void {
  for (let n = 1; ; n++) {
    queue.putSync(new RawArray('i32', [n]));
    if (n === 3) seen.set();
  }
}

/** An object that a child returns and only the child has open. */
export function returnsObjects(): { array: RawArray; again: RawArray; queue: Queue; locked: SharedArray } {
  const array = new RawArray('i32', [1, 2, 3]);
  const queue = new Queue();
  queue.putSync(new Map([['inner', new RawArray('i32', [4])]]));
  return { array, again: array, queue, locked: new SharedArray('i32', [5]) };
}

/** Returns what it was given, once its parent has closed that. */
export async function returnsArgument(array: RawArray, closed: Event): Promise<RawArray> {
  await closed.wait();
  return array;
}

export function throwsObject(): never {
  throw Object.assign(new Error('with an array'), { array: new RawArray('i32', [6]) });
}

/** Returns objects of which its parent never asks. */
export function startsAndLeaves(): number {
  const child = new Thread({ target: returnsObjects });
  child.start();
  child.joinSync();
  process.kill(process.pid, 'SIGKILL');
  return 0;
}
