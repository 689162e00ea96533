/**
 * Makes one of each class of shared object, those of messages left out (queues.test.ts,
 * pipes.test.ts).
 */

import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Latch,
  Lock,
  type ObjectOptions,
  RawArray,
  RawValue,
  RLock,
  RWLock,
  Semaphore,
  ShareableList,
  SharedArray,
  SharedMemory,
  struct,
  Value,
} from 'lockstep';

export interface Made {
  readonly handle: string;
  close(): void;
  describe(): { kind: string; closed?: unknown };
}
export type Maker = (options?: ObjectOptions) => Made;

export const Point = struct({ x: 'f64', tags: 'u8[2]' });

/** By the kind that an object calls itself. */
export const MAKERS = {
  Barrier: (options) => new Barrier(2, options),
  BoundedSemaphore: (options) => new BoundedSemaphore(1, options),
  Condition: (options) => new Condition(undefined, options),
  Event: (options) => new Event(options),
  Latch: (options) => new Latch(1, options),
  Lock: (options) => new Lock(options),
  RawArray: (options) => new RawArray('char', 2, options),
  RawValue: (options) => new RawValue('i32', 1, options),
  Record: (options) => new Point({}, options),
  RecordArray: (options) => Point.array(2, options),
  RLock: (options) => new RLock(options),
  RWLock: (options) => new RWLock(options),
  Semaphore: (options) => new Semaphore(1, options),
  ShareableList: (options) => new ShareableList([1], options),
  SharedArray: (options) => new SharedArray('i32', 2, options),
  // Its options are its only argument, and are unlike the others; values.test.ts has the ones it
  // refuses.
  SharedMemory: () => new SharedMemory({ create: true, size: 1 }),
  Value: (options) => new Value('i32', 1, options),
} satisfies Record<string, Maker>;

export type KindMade = keyof typeof MAKERS;
