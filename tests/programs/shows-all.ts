/**
 * Shows one object of every class in each readable form, in the state that its first argument
 * names, and prints what could not be shown. Ends by a signal: a program whose shared memory is
 * damaged can't leave in order.
 */

import { rmSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';
import {
  Barrier,
  JoinableQueue,
  Lock,
  Pipe,
  Pool,
  Process,
  Queue,
  RawValue,
  RWLock,
  Semaphore,
  ShareableList,
  SharedArray,
  SimpleQueue,
  struct,
  Thread,
  ThreadPool,
  Value,
} from 'lockstep';
import { connect } from 'lockstep/memory';
import { MAKERS, type Maker } from '../bad-input/makers.ts';

/** More in a line is private fields. */
const LONGEST = 200;

interface Shown {
  toString(): string;
}

const state = process.argv[2] ?? 'open';
const Big = struct({ count: 'i64', row: 'i64[2]', parts: [struct({ part: 'u64' }), 2] });
const bigs = Big.array(2);
const texts = new ShareableList([1n, null, 'two']);
const numbers = new SharedArray('i64', [1n, 2n]);
const closure = new Barrier(1, { action: () => rounds++ });
let rounds = 0;
const queue = new Queue();
const [left, right] = Pipe();
const shared = {
  ...Object.fromEntries(Object.entries(MAKERS).map(([kind, make]: [string, Maker]) => [kind, make()])),
  Queue: queue,
  JoinableQueue: new JoinableQueue(),
  SimpleQueue: new SimpleQueue(),
  'Connection, left': left,
  'Connection, right': right,
  'Barrier with a closure': closure,
  'Barrier that is broken': broken(),
  'Value, i64': new Value('i64', 1n),
  'RawValue, u64': new RawValue('u64', 1n),
  'SharedArray, i64': numbers,
  'ShareableList with a bigint': texts,
  'Record with bigints': new Big({ count: 1n }),
  'RecordArray with bigints': bigs,
};
const cluster = await connect();
const clusterLock = cluster.lock('lock');
const clusterQueue = cluster.queue('queue');
await clusterQueue.put(1);
const pool = new Pool(1);
const released = await new Lock().acquire();
released.release();
const rwlock = new RWLock();
/** Not shared: one line each, which has none of their private fields. */
const inOneLine: Record<string, Shown> = {
  Pool: pool,
  ThreadPool: new ThreadPool(1),
  Task: pool.submit({ module: import.meta.url, export: 'target' }),
  Results: pool.imap({ module: import.meta.url, export: 'target' }, []),
  Hold: await new Lock().acquire(),
  'Hold, released': released,
  'Hold of a permit': await new Semaphore(2).acquire(),
  'Hold to read': await rwlock.read.acquire(),
  'side to read': rwlock.read,
  'side to write': rwlock.write,
  Cluster: cluster,
  ClusterLock: clusterLock,
  ClusterHold: await clusterLock.acquire(),
  ClusterRLock: cluster.rlock('rlock'),
  ClusterSemaphore: cluster.semaphore('semaphore', 1),
  ClusterBoundedSemaphore: cluster.boundedSemaphore('bounded', 1),
  ClusterCondition: cluster.condition('condition'),
  ClusterEvent: cluster.event('event'),
  ClusterLatch: cluster.latch('latch', 1),
  ClusterBarrier: cluster.barrier('barrier', 1),
  ClusterRWLock: cluster.rwlock('rwlock'),
  'ClusterRWLock, side': cluster.rwlock('rwlock').read,
  ClusterValue: cluster.value('value'),
  ClusterQueue: clusterQueue,
  ClusterDelivery: await clusterQueue.receive(),
};
const others: Record<string, Shown> = {
  'a view of a record': bigs.at(1),
  'numbers within a record': Reflect.get(bigs.at(0), 'row') as Shown,
  'records within a record': Reflect.get(bigs.at(0), 'parts') as Shown,
  Process: new Process({ target: { module: import.meta.url, export: 'target' } }),
  Thread: new Thread({ target: { module: import.meta.url, export: 'target' } }),
};

function broken(): Barrier {
  const barrier = new Barrier(2);
  barrier.abort();
  return barrier;
}

const failures: string[] = [];
function show(what: string, object: object): void {
  const forms: Record<string, () => unknown> = {
    inspect: () => inspect(object),
    String: () => String(object),
    template: () => `${object as Shown}`,
    JSON: () => JSON.stringify(object),
    prototype: () => inspect(Object.getPrototypeOf(object)),
    describe: () => {
      const { describe } = object as { describe?: () => object };
      const told = describe === undefined ? {} : (Reflect.apply(describe, object, []) as { kind?: string });
      // The objects of a cluster ask the server.
      if (told instanceof Promise) return 'later';
      if (describe !== undefined && typeof told.kind !== 'string') throw new Error('it has no kind');
      return inspect(told);
    },
  };
  for (const [form, tell] of Object.entries(forms)) {
    try {
      if (typeof tell() !== 'string') throw new Error('it is no text');
    } catch (error) {
      failures.push(`${form} of ${what}: ${String(error)}`);
    }
  }
}
const showAll = (): void => {
  for (const [what, object] of Object.entries({ ...shared, ...others, ...inOneLine })) show(what, object);
  for (const [what, object] of Object.entries(inOneLine)) {
    const line = inspect(object);
    if (!/^<[^\n]+>$/.test(line) || line.length > LONGEST) failures.push(`${what} is shown as ${line}`);
  }
};

/** Cells as they may be after another program has overwritten them. */
function damage(value: number): void {
  for (const object of Object.values(shared)) {
    const { words, at } = Reflect.get(object, 'cell') as { words: Int32Array; at: number };
    words.fill(value, at + 10, at + 16);
  }
}

switch (state) {
  case 'closed':
    for (const object of Object.values(shared)) (object as { close(): void }).close();
    showAll();
    break;
  case 'in callbacks': {
    queue.putSync({
      get item() {
        showAll();
        return 1;
      },
    });
    const acting = new Barrier(1, { action: () => show('a Barrier within its action', acting) });
    acting.waitSync();
    const lock = new Value('i32', 0);
    lock.runSync(() => show('a Value within its lock', lock));
    break;
  }
  case 'damaged':
    for (const value of [1, -1, 0x7fffffff, 0x12345678]) {
      damage(value);
      showAll();
    }
    break;
  case 'removed':
    rmSync(process.env.LOCKSTEP_DIR ?? '', { recursive: true });
    showAll();
    break;
  default:
    showAll();
}
writeSync(1, JSON.stringify({ failures, shown: Object.keys(shared).length }));
process.kill(process.pid, 'SIGKILL');

export function target(): void {}
