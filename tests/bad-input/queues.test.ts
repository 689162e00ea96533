/** Queues and pipes that are misused, or whose memory was overwritten. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { readdirSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { JoinableQueue, Lock, Queue, RWLock, SimpleQueue, struct } from 'lockstep';
import { channelOf, load } from '../support/internals.ts';
import { run } from '../support/programs.ts';
import { HANG_MS, until } from '../support/until.ts';
import { fileOf, overwrite } from './data-files.ts';

const TYPE = { name: 'TypeError', code: 'ERR_LOCKSTEP_INVALID_TYPE' };
const RANGE = { name: 'RangeError', code: 'ERR_LOCKSTEP_OUT_OF_RANGE' };
const LAYOUT = { name: 'LayoutError', code: 'ERR_LOCKSTEP_LAYOUT' };
const HEADER_BYTES = 256;

const wrong = (value: unknown): never => value as never;

describe('a queue', { timeout: HANG_MS }, () => {
  for (const Class of [Queue, JoinableQueue, SimpleQueue]) {
    it(`is refused with sizes that can't be (${Class.name})`, () => {
      for (const maxSize of [-1, 1.5, Number.NaN, 2 ** 31])
        assert.throws(() => new Class(wrong({ maxSize })), RANGE);
      for (const bytes of [0, -1, 2 ** 31]) assert.throws(() => new Class(wrong({ bytes })), RANGE);
      for (const maxSize of ['5', null, {}]) assert.throws(() => new Class(wrong({ maxSize })), TYPE);
      for (const options of [5, null, 'x']) assert.throws(() => new Class(wrong(options)), TYPE);
      assert.throws(() => new Class(wrong({ maxsize: 5 })), { ...TYPE, message: /unknown option `maxsize`/ });
    });
  }

  it('refuses to put from within put, by a getter of the value', () => {
    const queue = new Queue();
    const value = {
      get inner(): number {
        queue.putSync(1);
        return 1;
      },
    };
    assert.throws(() => queue.putSync(value), { code: 'ERR_LOCKSTEP_STATE' });
    queue.putSync('after');
    assert.equal(queue.getSync(), 'after');
    queue[Symbol.dispose]();
  });

  it('refuses to be closed from within put, by a getter of the value', () => {
    const queue = new Queue();
    for (const close of [() => queue.close(), () => queue[Symbol.dispose]()]) {
      const value = {
        get inner(): number {
          close();
          return 1;
        },
      };
      assert.throws(() => queue.putSync(value), { code: 'ERR_LOCKSTEP_STATE' });
      queue.putSync('after');
      assert.equal(queue.getSync(), 'after');
    }
    queue[Symbol.dispose]();
  });

  it('encodes a value within put also where it waits for another that is just putting', async () => {
    const queue = new Queue<{ n: number }>();
    const lock = Reflect.get(channelOf(queue).putter, 'lock') as {
      tryTake(): boolean;
      free(): boolean;
    };
    assert.ok(lock.tryTake());
    const value = { n: 1 };
    const put = queue.put(value);
    value.n = 2;
    assert.ok(lock.free());
    await put;
    assert.deepEqual(queue.getSync(), { n: 1 });
    queue[Symbol.dispose]();
  });

  it('says that it was closed, also of a value that can not be sent', () => {
    const queue = new Queue();
    queue.close();
    assert.throws(() => queue.putSync(() => {}), { code: 'ERR_LOCKSTEP_CLOSED' });
    queue[Symbol.dispose]();
  });

  it('opens shared objects in an item before it takes it, and closes them if somebody else was faster', () => {
    const queue = new Queue<unknown>();
    const lock = new Lock();
    const { ring } = Reflect.get(queue, 'channel') as { ring: { take(head: number, next: number): boolean } };
    const references = (): number => (Reflect.get(lock, 'cell') as { references: number }).references;
    for (const item of [{ lock }, new Map([['lock', lock]])]) {
      queue.putSync(item);
      let opened = 0;
      ring.take = (head, next) => {
        opened = references() - 1;
        Reflect.deleteProperty(ring, 'take');
        // This is the other taker, which takes it at the same moment.
        assert.equal(ring.take(head, next), true);
        return false;
      };
      assert.equal(queue.tryGet(), null);
      assert.deepEqual([opened, references()], [1, 1]);
    }
    for (const each of [queue, lock]) each[Symbol.dispose]();
  });

  it('carries a shared object beside more values than a call can have arguments', () => {
    const queue = new Queue<[Lock, Map<string, number[]>]>();
    const lock = new Lock();
    const list = new Array<number>(300_000).fill(7);
    queue.putSync([lock, new Map([['list', list]])]);
    const [got, map] = queue.getSync();
    assert.equal(got.handle, lock.handle);
    assert.deepEqual(map.get('list'), list);
    for (const each of [queue, lock, got]) each[Symbol.dispose]();
  });

  it('says of what is nested too deeply that it is, where it is put or where it is taken', () => {
    const queue = new Queue<unknown>();
    const nested = (levels: number): unknown => {
      let value: unknown = null;
      for (let level = 0; level < levels; level++) value = { value };
      return value;
    };
    assert.throws(() => queue.putSync(nested(100_000)), {
      code: 'ERR_LOCKSTEP_NOT_SENDABLE',
      message: /too deeply/,
    });
    assert.equal(queue.size, 0);
    // Reading needs more stack than writing: somewhere between lies what can be put and not taken.
    let met = false;
    for (let levels = 1000; levels < 20_000 && !met; levels += 100) {
      try {
        queue.putSync(nested(levels));
      } catch {
        break;
      }
      try {
        queue.getSync();
      } catch (error) {
        met = true;
        assert.equal((error as { code?: string }).code, 'ERR_LOCKSTEP_OUT_OF_RANGE');
        assert.match((error as Error).message, /too deeply/);
      }
    }
    queue.putSync('after');
    assert.equal(queue.getSync(), 'after');
    queue[Symbol.dispose]();
  });

  it('lets in as many of those who wait for room as there is room for, and wakes no others', async () => {
    const queue = new Queue<number>({ maxSize: 2 });
    const { ring } = Reflect.get(queue, 'channel') as { ring: { fits(length: number): boolean } };
    let looks = 0;
    const fits = ring.fits.bind(ring);
    ring.fits = (length) => {
      looks++;
      return fits(length);
    };
    const count = 300;
    const puts = Array.from({ length: count }, (_, n) => queue.put(n));
    for (let n = 0; n < count; n++) assert.equal(await queue.get(), n);
    await Promise.all(puts);
    // If each looked whenever there is room, it would be the square of their number.
    assert.ok(looks < 30 * count, `${looks} looks`);
    queue[Symbol.dispose]();
  });

  it('refuses what is only a part of a shared object, and what belongs to a thread', () => {
    const queue = new Queue<unknown>();
    const Inner = struct({ n: 'i32', row: 'f64[2]' });
    const Outer = struct({ inner: Inner, all: [Inner, 2] });
    const [array, outer, rwlock, lock] = [Inner.array(2), new Outer(), new RWLock(), new Lock()];
    const hold = lock.acquireSync();
    const parts: [part: unknown, message: RegExp][] = [
      [array.at(1), /it is a record that lies in another object \(send that one and the index/],
      [outer.inner, /it is a record that lies in another object/],
      [outer.all, /it is a row of records that lies in another object/],
      [array.at(1).row, /it is a row of numbers that lies in a shared object/],
      [rwlock.read, /it is a side of an RWLock \(send the RWLock/],
      [rwlock.write, /it is a side of an RWLock/],
      [hold, /it is a Hold, which only the thread that made it can release/],
    ];
    for (const [part, message] of parts) {
      for (const value of [part, { nested: [part] }]) {
        assert.throws(() => queue.putSync(value), { code: 'ERR_LOCKSTEP_NOT_SENDABLE', message });
      }
    }
    assert.equal(queue.size, 0);
    hold.release();
    for (const each of [queue, array, outer, rwlock, lock]) each.close();
  });

  it('carries an error that has no stack, as one behind a Proxy may', () => {
    const queue = new Queue<Error>();
    const bare = Object.assign(new RangeError('bare'), { stack: undefined });
    for (const error of [bare, new Proxy(bare, {}), new Proxy(new RangeError('bare'), {})]) {
      queue.putSync(error);
      const got = queue.getSync();
      assert.ok(got instanceof RangeError);
      assert.match(inspect(got), /^\[?RangeError: bare/);
    }
    queue[Symbol.dispose]();
  });

  it('carries an error without what stands in it that nobody can send or look at', () => {
    const queue = new Queue<Error>();
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    queue.putSync(Object.assign(new RangeError('outer', { cause: proxy }), { proxy, kept: 1 }));
    const error = queue.getSync();
    assert.ok(error instanceof RangeError);
    assert.deepEqual([error.message, Object.keys(error), 'cause' in error], ['outer', ['kept'], false]);
    queue[Symbol.dispose]();
  });

  it('carries a large value whose getter puts another large value elsewhere', () => {
    const [queue, other] = [new Queue<unknown>(), new Queue<unknown>()];
    const [large, inner] = ['A'.repeat(300_000), 'B'.repeat(300_000)];
    const value = {
      first: large,
      get number(): number {
        other.putSync(inner);
        return 1;
      },
      last: large,
    };
    queue.putSync(value);
    assert.deepEqual(queue.getSync(), { first: large, number: 1, last: large });
    assert.ok(other.size > 0);
    while (other.size > 0) assert.equal(other.getSync(), inner);
    for (const each of [queue, other]) each[Symbol.dispose]();
  });

  it('gives no more room in place than the header of an item can tell of', async () => {
    const { Ring } = await load<typeof import('../../src/messaging/ring/ring.ts')>('messaging/ring/ring.js');
    const capacity = 2 ** 29;
    // Nobody touches it: it takes no memory.
    const words = new Int32Array((HEADER_BYTES + capacity) / 4);
    words.set(new Int32Array(Ring.header(capacity, 0, capacity).buffer as ArrayBuffer));
    const { from, limit } = new Ring(words, 0, 'ring').room()!;
    assert.ok(limit - from < 2 ** 28);
  });

  it('refuses what a getter of the value throws, and is as before', () => {
    const queue = new Queue();
    const value = {
      get inner(): never {
        throw new RangeError('on purpose');
      },
    };
    assert.throws(() => queue.putSync(value), { message: 'on purpose' });
    assert.equal(queue.size, 0);
    queue.putSync('after');
    assert.equal(queue.getSync(), 'after');
    queue[Symbol.dispose]();
  });

  it('that ends its use rejects those who still await an item, room or the end of all work', async () => {
    const queue = new JoinableQueue({ maxSize: 1 });
    queue.putSync(1);
    const waits = [queue.put(2), queue.join()];
    queue[Symbol.dispose]();
    for (const wait of waits) await assert.rejects(wait, { code: 'ERR_LOCKSTEP_CLOSED' });
    const empty = new Queue();
    const wait = empty.get();
    empty[Symbol.dispose]();
    await assert.rejects(wait, { code: 'ERR_LOCKSTEP_CLOSED' });
  });

  it('is full of items that go by files, too, however little of it they take', async () => {
    const queue = new Queue<Uint8Array>({ bytes: 2 ** 20 });
    const item = new Uint8Array(300_000);
    for (let n = 0; n < 3; n++) assert.equal(queue.tryPut(item), true);
    assert.equal(queue.tryPut(item), false);
    const put = queue.put(item);
    await until(() => queue.describe().waitingToPut === 1, 'the put to wait');
    assert.equal(queue.tryPut(item.subarray(0, 1000)), true);
    assert.equal((await queue.get()).length, item.length);
    await put;
    assert.equal(queue.size, 4);
    while (!queue.empty) queue.getSync();
    const large = new Uint8Array(3 * 2 ** 20);
    assert.equal(queue.tryPut(item.subarray(0, 1000)), true);
    assert.equal(queue.tryPut(large), true);
    assert.equal(queue.tryPut(large), false);
    assert.equal(queue.getSync().length, 1000);
    assert.equal(queue.tryPut(large), false);
    assert.equal(queue.getSync().length, large.length);
    assert.equal(queue.tryPut(large), true);
    queue[Symbol.dispose]();
  });

  it('that ends its use when a put has just got room has what was put', async () => {
    const queue = new Queue<number>({ maxSize: 1 });
    const other = Queue.open(queue.handle);
    queue.putSync(1);
    const put = queue.put(2);
    await until(() => queue.describe().waitingToPut === 1, 'the put to wait');
    assert.equal(queue.getSync(), 1);
    // After the put was woken, and before it continues.
    queueMicrotask(() => queue[Symbol.dispose]());
    await put;
    assert.equal(other.getSync(), 2);
    other[Symbol.dispose]();
  });

  const damages: Record<string, (file: string) => void> = {
    'with another magic number': (file) => overwrite(file, 0, 1),
    'longer than its file': (file) => overwrite(file, 4, 2 ** 30),
    'with a capacity that is not a power of two': (file) => overwrite(file, 4, 12_345),
    'with a negative capacity': (file) => overwrite(file, 4, -8),
    'whose file was cut to nothing': (file) => truncateSync(file, 16),
    'whose file was removed': (file) => unlinkSync(file),
  };
  for (const [name, damage] of Object.entries(damages)) {
    it(`${name} can't be opened`, async () => {
      const queue = new Queue();
      damage(fileOf(queue));
      const { stdout, stderr, signal } = await run('opens', { args: [queue.handle] });
      assert.deepEqual([stderr, signal], ['', null]);
      assert.equal((JSON.parse(stdout) as { code: string }).code, LAYOUT.code);
      queue[Symbol.dispose]();
    });
  }

  it('with an item that is longer than the ring, or makes no sense, says so and reads nothing outside', () => {
    const queue = new Queue({ bytes: 4096 });
    queue.putSync('x'.repeat(100));
    overwrite(fileOf(queue), HEADER_BYTES, 5000);
    assert.throws(() => queue.getSync({ timeout: 0 }), LAYOUT);
    // Now its length is sound, and its payload is not.
    overwrite(fileOf(queue), HEADER_BYTES, 105);
    overwrite(fileOf(queue), HEADER_BYTES + 8, 0x7fffffc6, 0x7fffffff);
    assert.throws(() => queue.getSync({ timeout: 0 }), LAYOUT);
    queue.putSync('next');
    assert.equal(queue.getSync(), 'next');
    queue[Symbol.dispose]();
  });

  it('whose far item was removed says so', () => {
    const queue = new Queue({ bytes: 4096 });
    queue.putSync(new Uint8Array(10_000));
    const folder = dirname(fileOf(queue));
    const items = readdirSync(folder).filter((file) => file.startsWith('item-'));
    assert.equal(items.length, 1);
    unlinkSync(join(folder, items[0]!));
    assert.throws(() => queue.getSync({ timeout: 0 }), LAYOUT);
    queue.putSync('next');
    assert.equal(queue.getSync(), 'next');
    queue[Symbol.dispose]();
  });

  it('clears up files of items that somebody took who died at once', () => {
    const queue = new Queue<Uint8Array>({ bytes: 2 ** 20 });
    const folder = dirname(fileOf(queue));
    const items = (): string[] => readdirSync(folder).filter((file) => file.startsWith('item-'));
    queue.putSync(new Uint8Array(300_000).fill(1));
    const [first] = items();
    queue.getSync();
    writeFileSync(join(folder, first!), 'left');
    queue.putSync(new Uint8Array(300_000).fill(2));
    queue.putSync(new Uint8Array(300_000).fill(3));
    assert.equal(items().length, 2);
    assert.ok(!items().includes(first!));
    for (const value of [2, 3]) assert.deepEqual(queue.getSync(), new Uint8Array(300_000).fill(value));
    assert.deepEqual(items(), []);
    queue[Symbol.dispose]();
  });
});
