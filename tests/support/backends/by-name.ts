/**
 * Objects that an actor finds by their names, as programs do that Lockstep did not start. The
 * second backend: an example for others, and the proof that the suites need not know which it is.
 */

import {
  Barrier,
  BoundedSemaphore,
  Event,
  JoinableQueue,
  Latch,
  Lock,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  Value,
} from 'lockstep';
import type { Backend, Make } from './backend.ts';
import { backend as sharedMemory } from './shared-memory.ts';

const CLASSES = {
  Barrier,
  BoundedSemaphore,
  Event,
  JoinableQueue,
  Latch,
  Lock,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  Value,
};
type ClassName = keyof typeof CLASSES;
type Options = Record<string, unknown>;

const references = new WeakMap<object, string>();
let made = 0;

/** Makes the object of the name, or finds it. */
function obtain<Class extends ClassName>(
  className: Class,
  name: string,
  args: unknown[],
  options: Options = {},
): InstanceType<(typeof CLASSES)[Class]> {
  const object: object = Reflect.construct(CLASSES[className], [...args, { ...options, name }]);
  references.set(object, JSON.stringify([className, name, args, options]));
  return object as InstanceType<(typeof CLASSES)[Class]>;
}

const fresh = (): string => `${process.pid}-${++made}`;
const make: Make = {
  lock: () => obtain('Lock', fresh(), []),
  rlock: () => obtain('RLock', fresh(), []),
  semaphore: (permits = 1) => obtain('Semaphore', fresh(), [permits]),
  boundedSemaphore: (permits = 1) => obtain('BoundedSemaphore', fresh(), [permits]),
  // It is found by its lock, which has no way to be found by a name here.
  condition: (lock) => sharedMemory.make.condition(lock),
  event: () => obtain('Event', fresh(), []),
  barrier: (parties, options) => obtain('Barrier', fresh(), [parties], options),
  rwlock: (options) => obtain('RWLock', options?.name ?? fresh(), [], options),
  latch: (count) => obtain('Latch', fresh(), [count]),
  value: (initial) => obtain('Value', fresh(), ['i32', initial]) as Value<'i32'>,
  queue: (options) => obtain('Queue', fresh(), [], options),
  joinableQueue: () => obtain('JoinableQueue', fresh(), []),
};

export const backend: Backend = {
  name: 'by name',
  flavours: [{ name: 'processes, awaiting', roles: [{ kind: 'process', style: 'awaiting' }] }],
  make,
  self: {
    get identity() {
      return sharedMemory.self.identity;
    },
    get name() {
      return sharedMemory.self.name;
    },
    look: (object) => sharedMemory.self.look(object),
    open(reference) {
      const [className, name, args, options] = JSON.parse(reference) as [
        ClassName,
        string,
        unknown[],
        Options,
      ];
      return obtain(className, name, args, options);
    },
    close: (object) => sharedMemory.self.close(object),
  },
  isWhole: true,
  slower: 1,
  refer: (value) => references.get(Object(value)),
  omits: (contract) =>
    contract === 'Condition' ? 'a condition is found by its lock, not by a name' : undefined,
};
