/** The objects of one seed: one of each class, as both programs have them. */

import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  JoinableQueue,
  Latch,
  Lock,
  openShared,
  Pipe,
  Queue,
  RawArray,
  RawValue,
  RLock,
  RWLock,
  Semaphore,
  ShareableList,
  SharedArray,
  SharedMemory,
  SimpleQueue,
  struct,
  Value,
} from 'lockstep';

const Point = struct({ x: 'f64', tags: 'u8[2]', name: 'char[8]' });
const BYTES = 4096;

/** Members of every shared object. */
export interface Thing {
  readonly handle: string;
  readonly closed: boolean;
  describe(): object;
  close(): void;
  [Symbol.dispose](): void;
}

export type Makers = readonly ((namespace: string) => Thing | readonly Thing[])[];

export const MAKERS: Makers = [
  (namespace) => new Lock({ namespace, name: 'lock' }),
  (namespace) => new RLock({ namespace }),
  (namespace) => new Semaphore(1, { namespace }),
  (namespace) => new BoundedSemaphore(6, { namespace, name: 'permits' }),
  (namespace) => new Condition(undefined, { namespace }),
  (namespace) => new Event({ namespace }),
  (namespace) => new RWLock({ namespace }),
  (namespace) => new RWLock({ namespace, prefer: 'readers' }),
  (namespace) => new Latch(2, { namespace }),
  (namespace) => new Barrier(2, { namespace }),
  (namespace) => new Value('i32', 1, { namespace }),
  (namespace) => new RawValue('f64', 1, { namespace }),
  (namespace) => new SharedArray('i32', 20, { namespace }),
  (namespace) => new RawArray('char', 20, { namespace }),
  (namespace) => new Point({ x: 1 }, { namespace }),
  (namespace) => Point.array(3, { namespace }),
  (namespace) => new SharedMemory({ namespace, create: true, size: 100 }),
  (namespace) => new ShareableList([1, 'two', null, true, 5n, new Uint8Array(9)], { namespace }),
  (namespace) => new Queue({ namespace, name: 'queue', maxSize: 5, bytes: BYTES }),
  (namespace) => new JoinableQueue({ namespace, bytes: BYTES }),
  (namespace) => new SimpleQueue({ namespace }),
  () => Pipe() as readonly Thing[],
];

/** The same objects by their handles. */
export function openAll(handles: readonly string[]): Thing[] {
  return handles.map((handle) => openShared(handle) as Thing);
}
