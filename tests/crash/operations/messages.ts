/**
 * Queues: whichever process dies, an item is wholly in or not in, and nobody gets it twice. The
 * others continue to put and get.
 */

import assert from 'node:assert/strict';
import { JoinableQueue, Queue, RawArray, SimpleQueue } from 'lockstep';
import { itemsPut, joining } from '../../support/internals.ts';
import { until, untilWaiting } from '../../support/until.ts';
import { type Operation, operation, type Suite } from '../operation.ts';
import { codeOf, type Death, type Scene } from '../scene.ts';

const EMPTY = 'ERR_LOCKSTEP_QUEUE_EMPTY';
const FULL = 'ERR_LOCKSTEP_QUEUE_FULL';
const CLOSED = 'ERR_LOCKSTEP_CLOSED';
/** Goes by a file of its own through a queue of the least size. */
const FAR_ITEM = 'far '.repeat(100);
/** Milliseconds, more than a cold process needs until it waits. */
const LATE = 20;
const LEAST = { bytes: 1024 };

export const messages: Suite = [
  ...['putSync', 'put', 'tryPut'].flatMap((put) => [...putsBy(put)]),
  ...['putSync', 'put'].flatMap((put) => [...waitsForRoom(put)]),
  ...['getSync', 'get', 'tryGet'].flatMap((get) => [...getsBy(get)]),
  ...['getSync', 'get'].flatMap((get) => [...waitsForItem(get)]),
  ...meetsOthers(),
  ...closes(),
  ...joins(),
  ...makes(),
  ...keeps(),
];

function* putsBy(put: string): Iterable<Operation> {
  for (const [what, item] of [
    ['small', 'item'],
    ['far', FAR_ITEM],
  ] as const) {
    yield operation(`Queue.${put}, a ${what} item, free`, 6, async (scene) => {
      const queue = scene.share(new Queue(LEAST));
      queue.putSync('first');
      const death = await scene.crash(queue, put, item);
      const left = drain(queue);
      assert.equal(left.shift(), 'first');
      assert.deepEqual(left, death.completed || left.length > 0 ? [item] : []);
      await isSound(scene, queue, death);
    });
  }
  yield operation(`Queue.${put}, with a blocked and an awaiting consumer`, 8, async (scene) => {
    const queue = scene.share(new Queue());
    const both = [
      scene.progress(scene.first.call(queue, 'getSync'), 'getSync'),
      scene.progress(scene.second.call(queue, 'get'), 'get'),
    ];
    await untilWaiting(queue, 2);
    const death = await scene.crash(queue, put, 'item');
    const isIn = itemsPut(queue) === 1;
    if (isIn) assert.equal(await Promise.race(both), 'item');
    else queue.putSync('second');
    queue.putSync('third');
    assert.deepEqual((await Promise.all(both)).sort(), [isIn ? 'item' : 'second', 'third'].sort());
    await isSound(scene, queue, death);
  });
}

function* waitsForRoom(put: string): Iterable<Operation> {
  yield operation(`Queue.${put}, full, timed out`, 8, async (scene) => {
    const queue = scene.share(new Queue({ maxSize: 1 }));
    queue.putSync('first');
    const death = await scene.crash(queue, put, 'item', { timeout: LATE });
    assert.equal(death.error?.code, death.completed ? FULL : undefined);
    assert.deepEqual(drain(queue), ['first']);
    await isSound(scene, queue, death, FULL);
  });
  yield operation(`Queue.${put}, full, with another that waits for room`, 8, async (scene) => {
    const queue = scene.share(new Queue({ maxSize: 1 }));
    queue.putSync('first');
    const crash = scene.crash(queue, put, 'item');
    const other = scene.progress(scene.first.call(queue, 'putSync', 'other'), 'putSync');
    await until(
      () => queue.describe().waitingToPut >= (scene.over ? 1 : 2),
      'the victim and a survivor to wait for room',
    );
    const got: unknown[] = [queue.getSync()];
    // One of the two puts, then the other if it lives.
    const takeAll = (): boolean => {
      got.push(...drain(queue));
      return got.includes('other');
    };
    const [death] = await Promise.all([crash, other, until(takeAll, 'what the survivor puts')]);
    takeAll();
    const left = got.filter((item) => item !== 'first' && item !== 'other');
    assert.equal(got.length, left.length + 2);
    assert.deepEqual(left, death.completed || left.length > 0 ? ['item'] : []);
    await isSound(scene, queue, death);
  });
}

function* getsBy(get: string): Iterable<Operation> {
  for (const [what, item] of [
    ['small', 'item'],
    ['far', FAR_ITEM],
  ] as const) {
    yield operation(`Queue.${get}, a ${what} item is there`, 3, async (scene) => {
      const queue = scene.share(new Queue(LEAST));
      queue.putSync(item);
      queue.putSync('second');
      const death = await scene.crash(queue, get);
      if (death.completed) assert.equal(death.value, item);
      const left = drain(queue);
      assert.deepEqual(left, death.completed || left.length === 1 ? ['second'] : [item, 'second']);
      await isSound(scene, queue, death);
    });
  }
  yield operation(`Queue.${get}, with one that waits for room`, 5, async (scene) => {
    const queue = scene.share(new Queue({ maxSize: 1 }));
    queue.putSync('first');
    const other = scene.progress(scene.first.call(queue, 'putSync', 'other'), 'putSync');
    await until(() => queue.describe().waitingToPut === 1, 'a survivor to wait for room');
    const death = await scene.crash(queue, get);
    await firstIsTakenOrThere(scene, queue, death, other);
  });
}

function* waitsForItem(get: string): Iterable<Operation> {
  yield operation(`Queue.${get}, empty, timed out`, 5, async (scene) => {
    const queue = scene.share(new Queue());
    const death = await scene.crash(queue, get, { timeout: LATE });
    assert.equal(death.error?.code, death.completed ? EMPTY : undefined);
    await isSound(scene, queue, death, EMPTY);
  });
  for (const other of ['getSync', 'get']) {
    yield operation(`Queue.${get}, waiting, with another in ${other}`, 8, async (scene) => {
      const queue = scene.share(new Queue());
      const crash = scene.crash(queue, get);
      await scene.untilVictimWaits(queue);
      const next = scene.progress(scene.first.call(queue, other), other);
      await scene.untilVictimWaits(queue, 1);
      queue.putSync('item');
      await until(() => queue.empty, 'somebody to take the item');
      // A victim that lives may have left the item to the other, and may die with the second one.
      const lives = !scene.over;
      queue.putSync('second');
      const death = await crash;
      const taken = [death.value, await next, ...drain(queue)].filter((item) => item !== undefined);
      if (death.completed) assert.deepEqual(taken.sort(), ['item', 'second']);
      else if (!lives || taken.join() !== 'item')
        assert.ok(['second', 'item,second'].includes(taken.join()), taken.join());
      await isSound(scene, queue, death);
    });
  }
}

/**
 * As where several put and take at the same time: the item is written before the lock is taken, and
 * read after it is taken.
 */
function* meetsOthers(): Iterable<Operation> {
  for (const put of ['putSync', 'put']) {
    yield operation(`Queue.${put}, where others put, with a blocked consumer`, 8, async (scene) => {
      const queue = scene.share(new Queue());
      await scene.victim.order('expectOthers', queue);
      const next = scene.progress(scene.first.call(queue, 'getSync'), 'getSync');
      await untilWaiting(queue, 1);
      const death = await scene.crash(queue, put, 'item');
      const isIn = itemsPut(queue) === 1;
      if (death.completed) assert.equal(isIn, true);
      if (!isIn) queue.putSync('second');
      assert.equal(await next, isIn ? 'item' : 'second');
      await isSound(scene, queue, death);
    });
  }
  yield operation('Queue.putSync, where others put, full', 8, async (scene) => {
    const queue = scene.share(new Queue({ maxSize: 1 }));
    queue.putSync('first');
    await scene.victim.order('expectOthers', queue);
    const death = await scene.crash(queue, 'putSync', 'item', { timeout: LATE });
    assert.deepEqual(drain(queue), ['first']);
    await isSound(scene, queue, death, FULL);
  });
  for (const get of ['getSync', 'get']) {
    yield operation(`Queue.${get}, where others take, with one that waits for room`, 5, async (scene) => {
      const queue = scene.share(new Queue({ maxSize: 1 }));
      queue.putSync('first');
      await scene.victim.order('expectOthers', queue);
      const other = scene.progress(scene.first.call(queue, 'putSync', 'other'), 'putSync');
      await until(() => queue.describe().waitingToPut === 1, 'a survivor to wait for room');
      const death = await scene.crash(queue, get);
      if (death.completed) assert.equal(death.value, 'first');
      await firstIsTakenOrThere(scene, queue, death, other);
    });
  }
}

function* closes(): Iterable<Operation> {
  yield operation('Queue.close, with consumers that wait', 6, async (scene) => {
    const queue = scene.share(new Queue());
    const both = Promise.all([
      codeOf(scene.progress(scene.first.call(queue, 'getSync'), 'getSync')),
      codeOf(scene.progress(scene.second.call(queue, 'get'), 'get')),
    ]);
    await untilWaiting(queue, 2);
    const death = await scene.crash(queue, 'close');
    if (death.completed) assert.equal(queue.closed, true);
    if (!queue.closed) {
      assert.equal(queue.describe().waiting, 2, 'somebody was let go too early');
      queue.close();
    }
    assert.deepEqual(await both, [CLOSED, CLOSED]);
    assert.equal(await codeOf(scene.newcomer.call(queue, 'putSync', 'late')), CLOSED);
    assert.equal(death.error, undefined);
  });
  yield operation('Queue.close, with producers that wait', 6, async (scene) => {
    const queue = scene.share(new Queue({ maxSize: 1 }));
    queue.putSync('first');
    const both = Promise.all([
      codeOf(scene.progress(scene.first.call(queue, 'putSync', 'a'), 'putSync')),
      codeOf(scene.progress(scene.second.call(queue, 'put', 'b'), 'put')),
    ]);
    await until(() => queue.describe().waitingToPut === 2, 'both to wait for room');
    const death = await scene.crash(queue, 'close');
    if (!queue.closed) queue.close();
    assert.deepEqual(await both, [CLOSED, CLOSED]);
    assert.equal(await scene.newcomer.call(queue, 'getSync'), 'first');
    assert.equal(await codeOf(scene.newcomer.call(queue, 'getSync')), CLOSED);
    assert.equal(death.error, undefined);
  });
  yield operation('Queue, left by the last while items lie in it', 6, async (scene) => {
    const queue = new Queue(LEAST);
    queue.putSync(FAR_ITEM);
    queue.putSync('second');
    await scene.victim.order('open', queue.handle);
    queue[Symbol.dispose]();
    const death = await scene.crashIn('disposeKept');
    assert.equal(death.error, undefined);
  });
}

function* joins(): Iterable<Operation> {
  const withOneTaken = (scene: Scene): JoinableQueue => {
    const queue = scene.share(new JoinableQueue());
    queue.putSync('item');
    queue.getSync();
    return queue;
  };
  yield operation('JoinableQueue.taskDone, with a blocked and an awaiting waiter', 4, async (scene) => {
    const queue = withOneTaken(scene);
    const both = [
      scene.progress(scene.first.call(queue, 'joinSync'), 'joinSync'),
      scene.progress(scene.second.call(queue, 'join'), 'join'),
    ];
    await untilJoining(queue, 2);
    const death = await scene.crash(queue, 'taskDone');
    if (queue.describe().unfinished > 0) queue.taskDone();
    assert.deepEqual(await Promise.all(both), [true, true]);
    await isSound(scene, queue, death);
  });
  for (const join of ['joinSync', 'join']) {
    yield operation(`JoinableQueue.${join}, with another that waits`, 5, async (scene) => {
      const queue = withOneTaken(scene);
      const crash = scene.crash(queue, join);
      const other = scene.progress(scene.first.call(queue, 'joinSync'), 'joinSync');
      await until(() => joining(queue) >= (scene.over ? 1 : 2), 'the victim and a survivor to join');
      queue.taskDone();
      const death = await crash;
      assert.equal(await other, true);
      await isSound(scene, queue, death);
    });
    yield operation(`JoinableQueue.${join}, timed out`, 5, async (scene) => {
      const queue = withOneTaken(scene);
      const death = await scene.crash(queue, join, { timeout: LATE });
      assert.equal(death.value ?? false, false);
      queue.taskDone();
      await isSound(scene, queue, death);
    });
  }
}

function* makes(): Iterable<Operation> {
  for (const kind of ['Queue', 'JoinableQueue', 'SimpleQueue']) {
    yield operation(`new ${kind}()`, 12, async (scene) => {
      await scene.victim.order('new', 'Event'); // So that it has joined.
      const death = await scene.crashIn('new', kind);
      assert.equal(death.error, undefined);
      const queues = Array.from({ length: 4 }, () => new SimpleQueue());
      for (const queue of queues) queue[Symbol.dispose]();
    });
  }
  yield operation('open(handle) of a Queue', 5, async (scene) => {
    const queue = scene.share(new Queue());
    await scene.victim.order('new', 'Event');
    await isSound(scene, queue, await scene.crashIn('open', queue.handle));
  });
}

/** Objects that only their putter or taker has open, and the queue between. */
function* keeps(): Iterable<Operation> {
  for (const [what, ballast] of [
    ['small', 0],
    ['far', FAR_ITEM],
  ] as const) {
    yield operation(`Queue.putSync, of an array in a ${what} item, and its close`, 12, async (scene) => {
      const queue = scene.share(new Queue<[RawArray, unknown]>(LEAST));
      await scene.victim.order('new', 'RawArray', 'i32', [1, 2, 3]);
      const death = await scene.crashIn('putKept', queue, ballast);
      if (death.completed) assert.equal(queue.size, 1);
      checkArrays(queue, [1, 2, 3]);
      await isSound(scene, queue as Queue, death);
    });
    yield operation(`Queue.getSync, of an array in a ${what} item that nobody else has`, 8, async (scene) => {
      const queue = scene.share(new Queue<[RawArray, unknown]>(LEAST));
      for (const value of [1, 2]) {
        using array = new RawArray('i32', [value]);
        queue.putSync([array, value === 1 ? ballast : 0]);
      }
      const death = await scene.crash(queue, 'getSync');
      if (death.completed) assert.equal(queue.size, 1);
      if (queue.size === 2) {
        const [array] = queue.tryGet()!;
        assert.deepEqual(array.toArray(), [1]);
        array.close();
      }
      checkArrays(queue, [2]);
      await isSound(scene, queue as Queue, death);
    });
  }
  yield operation('Queue, left by the last while a queue with an array lies in it', 12, async (scene) => {
    const queue = new Queue(LEAST);
    const inner = new Queue(LEAST);
    const array = new RawArray('u8', 10);
    inner.putSync(array);
    array.close();
    queue.putSync(inner);
    inner[Symbol.dispose]();
    await scene.victim.order('open', queue.handle);
    queue[Symbol.dispose]();
    const death = await scene.crashIn('disposeKept');
    assert.equal(death.error, undefined);
  });
}

/** Whatever lies in the queue is such an array, in use, and ends when it is closed. */
function checkArrays(queue: Queue<[RawArray, unknown]>, values: readonly number[]): void {
  while (!queue.empty) {
    const [array] = queue.tryGet()!;
    assert.deepEqual(array.toArray(), values);
    array.close();
  }
}

/** The items that can be taken without waiting. */
function drain(queue: Queue): unknown[] {
  const items: unknown[] = [];
  while (!queue.empty) items.push(queue.tryGet());
  return items;
}

async function untilJoining(queue: JoinableQueue, count: number): Promise<void> {
  await until(() => joining(queue) === count, `${count} to join`);
}

/** The victim has taken the first item, or it is still there; then comes that of the other. */
async function firstIsTakenOrThere(
  scene: Scene,
  queue: Queue<unknown>,
  death: Death,
  other: Promise<unknown>,
): Promise<void> {
  const got: unknown[] = [];
  if (!death.completed && itemsPut(queue) === 1 && queue.size === 1) got.push(queue.getSync());
  await other;
  got.push(...drain(queue));
  assert.equal(got.pop(), 'other');
  assert.deepEqual(got, death.completed || got.length === 0 ? [] : ['first']);
  await isSound(scene, queue, death);
}

/** Survivors put and get; nobody waits. */
async function isSound(scene: Scene, queue: Queue, death: Death, code?: string): Promise<void> {
  assert.equal(death.error?.code, death.completed ? code : undefined, death.error?.message);
  const { newcomer, second } = scene;
  await scene.progress(newcomer.call(queue, 'putSync', 'a'), 'putSync');
  await scene.progress(
    second.call(queue, 'put', 'b', { timeout: LATE }).catch(() => {}),
    'put',
  );
  assert.equal(await scene.progress(second.call(queue, 'getSync'), 'getSync'), 'a');
  drain(queue);
  const { waiting, waitingToPut, size } = queue.describe();
  assert.deepEqual([waiting, waitingToPut, size], [0, 0, 0]);
}
