/** How each call reacts to certain damaged words, one by one, and to counters near their end. */

import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { describe, it } from 'node:test';
// biome-ignore format: one import, after the sandbox
import { BoundedSemaphore, Condition, Event, JoinableQueue, LayoutError, Lock, Process, Queue, QueueProducer, RWLock, Semaphore, SharedArray, Value } from 'lockstep';
import { layout, load } from '../support/internals.ts';
import { namespaceFolder } from '../support/places.ts';
import { sandbox } from '../support/sandbox.ts';
import { HANG_MS, PATIENCE_MS } from '../support/until.ts';
import { opens, sets } from './targets.ts';

const { Ring }: typeof import('../../src/messaging/ring/ring.ts') = await load('messaging/ring/ring.js');
const {
  agentWord,
  AGENT_PARK,
  AGENT_STATE,
  cellWord,
  CELL_GENERATION,
  CELL_HEADER,
  CELL_STATE,
  CELL_TICKETS,
  FIRST_LINK,
} = layout;

/** A slot in which nobody sits. */
const NOBODY = 39;
/** Where the words of a ring are. */
const HEAD = 16;
const PUTS = 32;
const END = 33;
const DONE = 48;
const LAST = 0x7fffffff;

let namespaces = 0;

/** A namespace of its own, and its words. */
function fresh(): { namespace: string; folder: string; put(file: string, at: number, value: number): void } {
  const namespace = `words${namespaces++}`;
  const folder = namespaceFolder(sandbox, namespace);
  const put = (file: string, at: number, value: number): void => {
    const fd = openSync(`${folder}/${file}`, 'r+');
    writeSync(fd, new Uint8Array(Int32Array.of(value).buffer), 0, 4, at * 4);
    closeSync(fd);
  };
  return { namespace, folder, put };
}

function cellOf(object: { handle: string }): number {
  return Number(new URLSearchParams(object.handle.split('?')[1]).get('cell'));
}

function wordsOf(file: string, count: number): Int32Array {
  const words = new Int32Array(count);
  const fd = openSync(file, 'r');
  readSync(fd, new Uint8Array(words.buffer), 0, words.byteLength, 0);
  closeSync(fd);
  return words;
}

/** The data of the queue, and the cell of its lock to put. */
function partsOf(folder: string, queue: { handle: string }): { data: string; lock: number } {
  const cell = cellOf(queue);
  const data = readdirSync(folder).find((file) => file.startsWith(`data-${cell}-`));
  assert.ok(data !== undefined);
  const lock = wordsOf(`${folder}/control`, cellWord(cell) + 16)[cellWord(cell) + 12];
  assert.ok(lock !== undefined && lock > 0);
  return { data, lock };
}

const damagedWord = { name: 'LayoutError', code: 'ERR_LOCKSTEP_LAYOUT', message: /damaged/ };

describe('a damaged word', { timeout: HANG_MS, concurrency: true }, () => {
  for (const [what, at, value] of [
    ['SEGMENTS', layout.SEGMENTS_WORD, -0x80000000],
    ['SEGMENTS', layout.SEGMENTS_WORD, 13],
    ['BUMP', layout.BUMP_WORD, -1],
    ['BUMP', layout.BUMP_WORD, LAST],
  ] as const) {
    it(`${what} ${value} is refused when an object is made`, () => {
      const { namespace, put } = fresh();
      const lock = new Lock({ namespace });
      put('control', at, value);
      // A number of segments that there could be is only found out where the next is to be added.
      const make = (): void => {
        for (let n = 0; n < 1100; n++) new Event({ namespace });
      };
      assert.throws(make, { name: 'LayoutError', message: new RegExp(`${value === 13 ? 'cells-' : value}`) });
      lock.acquireSync().release();
    });
  }

  it('that names a queue which the others have just closed is no damage: it is gone', () => {
    const { namespace, folder, put } = fresh();
    const queue = new Queue({ namespace, endsWithProducers: true });
    const { handle } = queue.producer;
    const at = cellWord(cellOf(queue)) + CELL_HEADER;
    const header = wordsOf(`${folder}/control`, at + 1)[at]!;
    // As the cell is between its end and its next use.
    put('control', at, 0);
    assert.throws(() => QueueProducer.open(handle), { code: 'ERR_LOCKSTEP_STALE_HANDLE' });
    put('control', at, header);
    using again = QueueProducer.open(handle);
    assert.equal(again.closed, false);
  });

  it('in HIGH_SLOT, in a name and in wait entries leads nobody astray', () => {
    const { namespace, put } = fresh();
    const lock = new Lock({ namespace });
    put('control', layout.HIGH_SLOT_WORD, LAST);
    put('control', agentWord(1) + layout.AGENT_NAME_LENGTH, -5);
    put('control', agentWord(1) + layout.AGENT_WAITS, 1);
    put('control', agentWord(1) + layout.AGENT_HIGH_ENTRY, LAST);
    put('control', agentWord(1) + layout.AGENT_CHUNK, cellOf(lock));
    const hold = lock.acquireSync();
    assert.equal(lock.owner?.name, '');
    assert.equal(lock.acquireSync({ timeout: 10, deadlock: 'ignore' }), null);
    hold.release();
    assert.equal(lock.describe().waiting, 0);
  });

  it('names an owner whose slot is empty: it is freed, and the next hold says so', async () => {
    const { namespace, put } = fresh();
    const locks = [1, 2, 3].map(() => new Lock({ namespace }));
    for (const lock of locks) put('control', cellWord(cellOf(lock)) + CELL_STATE, NOBODY);
    assert.deepEqual(
      locks.map(({ locked, owner }) => [locked, owner]),
      locks.map(() => [false, null]),
    );
    const [tried, blocked, awaited] = locks;
    assert.equal(tried?.tryAcquire()?.recovered, true);
    assert.equal(blocked?.acquireSync({ timeout: PATIENCE_MS })?.recovered, true);
    assert.equal((await awaited?.acquire({ timeout: PATIENCE_MS }))?.recovered, true);

    const rwlock = new RWLock({ namespace });
    put('control', cellWord(cellOf(rwlock)) + CELL_STATE, NOBODY);
    assert.equal(rwlock.describe().writer, null);
    assert.equal(rwlock.read.acquireSync({ timeout: PATIENCE_MS })?.recovered, true);

    const permits = new BoundedSemaphore(3, { namespace });
    const chain = wordsOf(`${namespaceFolder(sandbox, namespace)}/control`, layout.CONTROL_WORDS);
    const cell = chain[cellWord(cellOf(permits)) + FIRST_LINK]!;
    for (const [index, owner] of [NOBODY, 4000, -1].entries())
      put('control', cellWord(cell) + layout.LINK_WORDS + index, owner);
    const holds = [1, 2, 3].map(() => permits.acquireSync({ timeout: PATIENCE_MS }));
    assert.ok(holds.every((hold) => hold !== null));
  });

  it('says that nobody who is there puts into a queue: put and close go on', async () => {
    const { namespace, folder, put } = fresh();
    const queue = new Queue({ namespace });
    const { lock } = partsOf(folder, queue);
    put('control', cellWord(lock) + CELL_STATE, NOBODY);
    queue.putSync(1);
    put('control', cellWord(lock) + CELL_STATE, NOBODY);
    await queue.put(2);
    put('control', cellWord(lock) + CELL_STATE, NOBODY);
    queue.close();
    assert.deepEqual([queue.getSync(), queue.getSync()], [1, 2]);
  });

  it('says that this thread puts, which waits: refused after a while', () => {
    const { namespace, folder, put } = fresh();
    const queue = new Queue({ namespace });
    const { lock } = partsOf(folder, queue);
    put('control', cellWord(lock) + CELL_STATE, 1);
    assert.throws(() => queue.close(), damagedWord);
  });

  it('in a ring makes it neither empty nor full forever', () => {
    const { namespace, folder, put } = fresh();
    for (const [word, value] of [
      [HEAD, 1_000_000],
      [HEAD, -1],
      [END, 1_000_000],
    ] as const) {
      const queue = new Queue({ namespace, bytes: 4096 });
      const { data } = partsOf(folder, queue);
      put(data, word, value);
      assert.throws(() => queue.getSync({ timeout: 1 }), damagedWord, `word ${word}: ${value}`);
      assert.throws(() => queue.putSync('x'.repeat(500)), damagedWord, `word ${word}: ${value}`);
      queue.close();
    }
  });

  it('in a chain of permits, a count or a type is found out when the object is opened', async () => {
    const { namespace, put } = fresh();
    // An object without references may be collected, and its handle is stale then.
    const kept: object[] = [];
    const damage = (object: { handle: string }, word: number, value: number): string => {
      kept.push(object);
      put('control', cellWord(cellOf(object)) + word, value);
      return object.handle;
    };
    const { CELL_BODY } = layout;
    // In another thread or process, which has nothing of the object yet.
    const child = async (handle: string): Promise<void> => {
      const process = new Process({ target: opens, args: [handle] });
      process.start();
      const { code, message } = await process.result;
      assert.equal(code, 'ERR_LOCKSTEP_LAYOUT', message);
    };
    await Promise.all([
      child(damage(new BoundedSemaphore(8, { namespace }), FIRST_LINK, 1)),
      child(damage(new BoundedSemaphore(8, { namespace }), CELL_BODY + 2, LAST)),
      child(damage(new RWLock({ namespace }), FIRST_LINK, -7)),
    ]);
    const tooLong = [
      damage(new SharedArray('i32', 4, { namespace }), CELL_BODY + 5, 1),
      damage(new SharedArray('i32', 4, { namespace }), CELL_BODY + 4, 5000),
    ];
    for (const handle of tooLong) assert.throws(() => SharedArray.open(handle), LayoutError);
    const typeless = damage(new Value('i32', 4, { namespace }), CELL_BODY, 77);
    assert.throws(() => Value.open(typeless), LayoutError);
    assert.equal(kept.length, 6);
  });
});

describe('a counter near its end', { timeout: HANG_MS, concurrency: true }, () => {
  it('of waiters, generations, wake-ups and agents goes on', async () => {
    const { namespace, put } = fresh();
    const first = new Lock({ namespace });
    const generation = cellWord(cellOf(first) + 1) + CELL_GENERATION;
    put('control', generation, LAST - 1);
    put('control', agentWord(1) + AGENT_PARK, LAST - 1);
    put('control', agentWord(2) + AGENT_STATE, 0x7ffffff0);
    for (let n = 0; n < 3; n++) {
      const lock = new Lock({ namespace, name: 'again' });
      assert.equal(Lock.open(lock.handle).describe().name, 'again');
      lock.close();
    }
    const event = new Event({ namespace });
    put('control', cellWord(cellOf(event)) + CELL_STATE, LAST - 1);
    const condition = new Condition(first);
    const semaphore = new Semaphore(0, { namespace });
    for (const object of [first, event, condition, semaphore])
      put('control', cellWord(cellOf(object)) + CELL_TICKETS, LAST - 1);
    const order: number[] = [];
    const waits = [1, 2, 3, 4].map(async (n) => {
      await semaphore.acquire();
      order.push(n);
    });
    const hold = first.acquireSync();
    const locks = [1, 2, 3, 4].map(() => first.run(() => {}));
    const events = [1, 2, 3].map(() => event.wait());
    event.set();
    event.clear();
    hold.release();
    for (let n = 0; n < 4; n++) semaphore.release();
    await Promise.all([...waits, ...locks, ...events]);
    assert.deepEqual(order, [1, 2, 3, 4]);
    const child = new Process({ target: sets, args: [event] });
    child.start();
    event.waitSync();
    assert.ok(await child.join());
    assert.equal(child.exitCode, 0);
  });

  it('of a ring that others have used for long tells a newcomer nothing false', () => {
    for (const bytes of [4096, 65_536]) {
      const units = bytes / 8;
      for (const before of [1, 2, 8, units / 2, units - 1, units]) {
        const { namespace, folder, put } = fresh();
        const queue = new JoinableQueue({ namespace, bytes });
        const { data } = partsOf(folder, queue);
        // Items of the lap before, as much as the newcomer can believe: zeros, a number of 0.
        const position = LAST + 1 - before;
        const puts = LAST - 1;
        for (const word of [HEAD, END, END + 1]) put(data, word, position);
        for (const word of [PUTS, DONE]) put(data, word, puts);
        assert.equal(queue.tryGet(), null);
        for (let n = 0; n < 3 * units; n++) {
          queue.putSync(n);
          assert.equal(queue.getSync(), n);
          queue.taskDone();
        }
        queue.tryPut([1, 2, 3]);
        assert.deepEqual([queue.size, queue.tryGet()], [1, [1, 2, 3]]);
      }
    }
  });

  it('of items is not mistaken for room by a first putter', () => {
    const words = new Int32Array(64 + 32);
    const bytes = Ring.header(128, 3, 384);
    new Uint8Array(words.buffer).set(bytes);
    words[HEAD] = LAST + 1 - 4;
    words[END] = words[END + 1] = LAST + 1 - 4;
    words[PUTS] = LAST - 1;
    const first = new Ring(words, 0, 'ring');
    const put = (ring: InstanceType<typeof Ring>): boolean => {
      if (!ring.fits(8)) return false;
      ring.commit(ring.roomFor(8).from, 8, 0, false, false);
      return true;
    };
    assert.deepEqual([put(first), put(first), put(first)], [true, true, true]);
    // PUTS is 1, the end is past 0: both as if hardly anything had been put.
    const newcomer = new Ring(words, 0, 'ring');
    assert.deepEqual([newcomer.size, put(newcomer)], [3, false]);
    const full = new Int32Array(words);
    full[2] = 0;
    const unbounded = new Ring(full, 0, 'ring');
    let more = 0;
    while (put(unbounded)) more++;
    assert.equal(more, 5, 'an item takes two of the 16 units');
    assert.equal(unbounded.size, 8);
  });
});
