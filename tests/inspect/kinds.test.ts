/** The inspector's list of kinds is that of the library, and tells the same of each object. */

import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
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
  ShareableList,
  Shared,
  SharedArray,
  SharedMemory,
  SimpleQueue,
  struct,
} from 'lockstep';
import type { NamespaceSnapshot, ObjectSnapshot } from 'lockstep/inspect';
import { takeSnapshot } from 'lockstep/inspect';
import { root } from '../docs/markdown.ts';
import { sandbox } from '../support/sandbox.ts';

type Listed = { readonly number: number; readonly name: string; readonly classOf?: object };

async function load<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(join(root, 'build/src', path)).href)) as Module;
}

test('every kind of object has its number and its name', async () => {
  const library = await load<{ KINDS: readonly Listed[] }>('kinds/all.js');
  const inspector = await load<{ KINDS: ReadonlyMap<number, { name: string }> }>('inspect/kinds.js');
  // Cells that are no objects, and second classes of the same objects, are left out.
  const objects = library.KINDS.filter(({ number, classOf }) => number > 2 && classOf === undefined);
  assert.ok(objects.length > 0);
  assert.deepEqual(
    [...inspector.KINDS]
      .map(([number, { name }]) => [number, name])
      .sort(([a], [b]) => Number(a) - Number(b)),
    objects.map(({ number, name }) => [number, name]).sort(([a], [b]) => Number(a) - Number(b)),
  );
});

test('a snapshot tells of each object what its own describe() does', () => {
  const at = { namespace: 'both' };
  const [lock, rlock, rwlock] = [new Lock(at), new RLock(at), new RWLock(at)];
  const [event, latch, barrier] = [new Event(at), new Latch(2, at), new Barrier(3, at)];
  const [semaphore, bounded] = [new Semaphore(2, at), new BoundedSemaphore(3, at)];
  lock.acquireSync();
  for (let times = 0; times < 2; times++) rlock.acquireSync();
  rwlock.read.acquireSync();
  event.set();
  semaphore.acquireSync();
  bounded.acquireSync();
  const [namespace] = takeSnapshot({ folders: [`${sandbox}/lockstep-${userInfo().uid}.both`] }).namespaces;
  const seen = (kind: string): { holders: unknown; state: Record<string, unknown> } => {
    const object = namespace?.objects.find((each) => each.kind === kind);
    assert.ok(object !== undefined, kind);
    return object;
  };
  const me = { pid: process.pid, threadId: 0, name: 'MainProcess' };
  assert.deepEqual(lock.describe().owner, me);
  assert.deepEqual(seen('Lock').holders, [{ slot: 1, as: 'owner', count: 1 }]);
  assert.equal(rlock.describe().depth, 2);
  assert.deepEqual(seen('RLock').holders, [{ slot: 1, as: 'owner', count: 2 }]);
  assert.deepEqual(rwlock.describe().readers, [me]);
  assert.deepEqual(seen('RWLock').holders, [{ slot: 1, as: 'reader', count: 1 }]);
  assert.equal(rwlock.describe().writer, null);
  assert.deepEqual([event.describe().set, seen('Event').state.set], [true, true]);
  assert.deepEqual([latch.describe().count, seen('Latch').state.count], [2, 2]);
  const { parties, nWaiting, broken } = barrier.describe();
  assert.deepEqual([parties, nWaiting, broken], [3, 0, false]);
  assert.deepEqual(seen('Barrier').state, { parties: 3, arrived: 0, generation: 0, broken: false });
  assert.deepEqual([semaphore.describe().value, seen('Semaphore').state.value], [1, 1]);
  assert.deepEqual([bounded.describe().value, seen('BoundedSemaphore').state.value], [2, 2]);
  for (const each of [lock, rlock, rwlock, event, latch, barrier, semaphore, bounded]) each.close();
});

interface Contents {
  readonly contents: { items: number; maxSize: number; unfinished: number } | null;
}

test('queues, pipes and shared data have the same size in a snapshot as in their own describe()', async () => {
  type FactsOf = (found: { object: ObjectSnapshot; namespace: NamespaceSnapshot }[]) => Contents[];
  const { factsOf } = await load<{ factsOf: FactsOf }>('cli/show.js');
  const at = { namespace: 'amounts' };
  const [queue, joinable, simple] = [
    new Queue({ maxSize: 5, ...at }),
    new JoinableQueue(at),
    new SimpleQueue(at),
  ];
  const [list, block] = [
    new ShareableList([1, 'b'], at),
    new SharedMemory({ create: true, size: 100, ...at }),
  ];
  const [array, constant] = [new SharedArray('i32', 7, at), new Shared([1, 2, 3], at)];
  const Point = struct({ x: 'f64', y: 'f64' });
  const points = Point.array(4, at);
  for (const each of [queue, joinable, simple]) for (let item = 0; item < 3; item++) each.putSync(item);
  joinable.getSync();
  joinable.taskDone();
  queue.getSync();
  const [namespace] = takeSnapshot({ folders: [`${sandbox}/lockstep-${userInfo().uid}.amounts`] }).namespaces;
  const seen = (kind: string): ObjectSnapshot => {
    const object = namespace?.objects.find((each) => each.kind === kind);
    assert.ok(object !== undefined, kind);
    return object;
  };
  assert.deepEqual([array.describe().length, seen('SharedArray').state.length], [7, 7]);
  assert.deepEqual([points.describe().length, seen('RecordArray').state.length], [4, 4]);
  assert.deepEqual([list.describe().length, seen('ShareableList').state.length], [2, 2]);
  assert.deepEqual([block.describe().size, seen('SharedMemory').state.size], [100, 100]);
  assert.equal(constant.describe().bytes, seen('Shared').state.bytes);
  const shown = (each: Queue): unknown[] => {
    const { size, maxSize, closed } = each.describe();
    return [size, maxSize, closed];
  };
  assert.deepEqual(shown(queue), [2, 5, false]);
  assert.deepEqual([joinable.describe().size, joinable.describe().unfinished], [2, 2]);
  assert.equal(simple.describe().size, 3);
  assert.deepEqual(
    ['Queue', 'JoinableQueue', 'SimpleQueue'].map((kind) => {
      const { contents } = factsOf([{ object: seen(kind), namespace: namespace! }])[0]!;
      return [contents?.items, contents?.maxSize, contents?.unfinished, seen(kind).state.closed];
    }),
    [
      [2, 5, 3, false],
      [2, 0, 2, false],
      [3, 0, 3, false],
    ],
  );
  queue.close();
  for (const each of [joinable, simple, list, block, array, constant, points]) each.close();
});
