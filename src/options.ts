/**
 * Options: the options of each constructor and call. Any other is refused, with the nearest known
 * name.
 */

import { inspect } from 'node:util';
import { InvalidTypeError } from './errors.ts';

const OBJECT = ['name', 'namespace', 'label'];
const LOCK = [...OBJECT, 'deadlock', 'stacks'];
const GUARDED = [...OBJECT, 'lock'];
const QUEUE = [...OBJECT, 'maxSize', 'bytes', 'endsWithProducers'];
const CHILD = ['target', 'args', 'name', 'daemon'];
const TASK = ['signal', 'timeout', 'queueTimeout', 'retries', 'priority', 'key', 'onReport', 'transfer'];
const STREAM = ['signal', 'timeout', 'retries', 'priority', 'chunkSize'];
const SHARED_POOL = ['idleTimeout', 'maxTasksPerChild', 'maxMemoryPerChild'];
const POOL = [
  'name',
  'initializer',
  'initArgs',
  'initTimeout',
  'finalizer',
  'context',
  'concurrency',
  'maxQueue',
  ...SHARED_POOL,
  'grace',
  'timeout',
  'retries',
  'statistics',
];

/** The options, by class or function. */
const KNOWN = {
  task: TASK,
  stream: ['signal', 'timeout', 'queueTimeout', 'priority', 'key', 'onReport', 'transfer', 'ahead'],
  broadcast: ['signal', 'timeout', 'queueTimeout', 'onReport', 'settled'],
  map: [...STREAM, 'stopOnError', 'settled', 'onProgress', 'progress'],
  imap: [...STREAM, 'ahead'],
  close: ['cancelQueued'],
  warm: ['preload'],
  wait: ['timeout', 'signal', 'deadlock'],
  target: ['module', 'export'],
  context: ['capture', 'restore'],
  connect: ['redis', 'postgres', 'listen', 'poll', 'namespace', 'lease', 'claim'],
  memory: ['namespace', 'lease', 'claim'],
  ClusterBarrier: ['action', 'timeout'],
  ClusterQueue: ['maxSize'],
  Barrier: [...OBJECT, 'action', 'timeout'],
  BoundedSemaphore: OBJECT,
  Condition: OBJECT,
  Event: OBJECT,
  JoinableQueue: QUEUE,
  Latch: OBJECT,
  Lock: LOCK,
  Pipe: ['duplex'],
  Pool: [...POOL, 'processes', 'warm'],
  'Pool.shared': [...SHARED_POOL, 'processes', 'warm'],
  Process: CHILD,
  Queue: QUEUE,
  RawArray: OBJECT,
  RawValue: OBJECT,
  Record: GUARDED,
  RecordArray: GUARDED,
  RLock: LOCK,
  RWLock: [...OBJECT, 'prefer'],
  Semaphore: OBJECT,
  ShareableList: OBJECT,
  Shared: OBJECT,
  SharedArray: GUARDED,
  SharedMemory: ['name', 'namespace', 'create', 'size'],
  SimpleQueue: OBJECT,
  Thread: CHILD,
  ThreadPool: [...POOL, 'threads', 'processes'],
  'ThreadPool.shared': [...SHARED_POOL, 'threads'],
  Value: GUARDED,
};

/**
 * Throws `InvalidTypeError` for an option that is none of those of `whose`. `title` begins the
 * message.
 */
export function checkKnown(title: string, options: object, whose: string): void {
  const known: readonly string[] = (KNOWN as Record<string, readonly string[]>)[whose]!;
  for (const name in options) {
    if (known.includes(name) || !Object.hasOwn(options, name)) continue;
    throw new InvalidTypeError(`${title}: refused, unknown option \`${name}\`; ${advice(name, known)}`);
  }
}

/**
 * The same where it is to be an object at all; nothing given is fine. `example` says how one looks.
 */
export function checkOptions(title: string, options: unknown, whose: string, example: string): void {
  if (options === undefined) return;
  if (options !== null && typeof options === 'object') {
    checkKnown(title, options, whose);
    return;
  }
  throw new InvalidTypeError(
    `${title}: refused, its options are ${inspect(options)}; pass an object such as ${example}`,
  );
}

function advice(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  return `there ${known.length === 1 ? 'is' : 'are'} ${known.map((each) => `\`${each}\``).join(', ')}`;
}

/** The name that was probably meant; `undefined` if none is near. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  // Of two letters every other name of two letters would be near.
  let least = name.length < 3 ? 1 : Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const each of names) {
    const steps = distance(plain(name), plain(each));
    if (steps >= least) continue;
    best = each;
    least = steps;
  }
  return best;
}

/** Case and underscores do not matter: `max_size` is `maxSize`. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '');
}

/** How many letters have to be put in, left out, replaced, or swapped with the next one. */
function distance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let row = 1; row <= from.length; row++) {
    const steps = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1] ? 0 : 1;
      let least = Math.min(
        rows[row - 1]![column]! + 1,
        steps[column - 1]! + 1,
        rows[row - 1]![column - 1]! + same,
      );
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) least = Math.min(least, rows[row - 2]![column - 2]! + 1);
      steps.push(least);
    }
    rows.push(steps);
  }
  return rows[from.length]![to.length]!;
}
