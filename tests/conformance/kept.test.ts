/**
 * A queue or pipe keeps the shared objects that lie in it, however the process or thread that put
 * them has ended.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Condition,
  type Connection,
  Event,
  JoinableQueue,
  Lock,
  openShared,
  Pipe,
  Process,
  Queue,
  RawArray,
  SharedArray,
  SharedMemory,
  SimpleQueue,
  Thread,
  Value,
} from 'lockstep';
import { headerOf, newBeside, objectsBeside } from '../support/internals.ts';
import {
  COMPOUND,
  type Ending,
  floods,
  holdsAndDies,
  makes,
  passesOn,
  produce,
  produceCompound,
  producesByThread,
  takesAndDies,
  unwrap,
  type Wrapping,
  wrap,
} from '../support/keepers.ts';
import { HANG_MS, until } from '../support/until.ts';
import type { SharedObject } from '../support/wire.ts';

const STALE = { code: 'ERR_LOCKSTEP_STALE_HANDLE' };
const WRAPPINGS: readonly Wrapping[] = ['small', 'cloned', 'far'];
const ENDINGS: readonly Ending[] = ['returns', 'killed', 'closes', 'leaves', 'exits'];
const KINDS = { Queue, JoinableQueue, SimpleQueue };

function isGone(handle: string): boolean {
  try {
    openShared(handle)[Symbol.dispose]();
    return false;
  } catch (error) {
    assert.equal((error as { code: string }).code, STALE.code);
    return true;
  }
}

/** The array arrives as it was put, and ends with its taker. */
function checkTaken(item: unknown, handle: string): void {
  const array = unwrap<SharedArray>(item);
  assert.deepEqual(array.toArray(), [1, 2, 3]);
  array.runSync(() => array.set(0, 4));
  array.close();
  assert.ok(isGone(handle), 'the array outlives its taker');
}

describe('what lies in a queue or pipe', { timeout: HANG_MS, concurrency: true }, () => {
  it('is kept when its producer, a process, has ended in any way', async () => {
    const runs = WRAPPINGS.flatMap((wrapping) => ENDINGS.map((ending) => ({ wrapping, ending })));
    await Promise.all(
      runs.map(async ({ wrapping, ending }, index) => {
        const Kind = Object.values(KINDS)[index % 3]!;
        const [queue, handles] = [new Kind() as Queue, new Queue<string>()];
        const child = new Process({ target: produce, args: [queue, handles, wrapping, ending] });
        child.start();
        await child.join();
        checkTaken(await queue.get(), handles.tryGet()!);
        for (const each of [queue, handles]) each[Symbol.dispose]();
      }),
    );
  });

  it('is kept when its producer, a thread, has returned, exited, or was terminated', async () => {
    for (const [ending, wrapping] of [
      ['returns', 'small'],
      ['exits', 'cloned'],
      ['leaves', 'far'],
    ] as const) {
      const [queue, handles] = [new Queue(), new Queue<string>()];
      const thread = new Thread({ target: produce, args: [queue, handles, wrapping, ending] });
      thread.start();
      await thread.join();
      checkTaken(await queue.get(), handles.tryGet()!);
    }
    const [queue, handles] = [new Queue(), new Queue<string>()];
    const child = new Process({ target: producesByThread, args: [queue, handles] });
    child.start();
    await child.join();
    checkTaken(await queue.get(), handles.tryGet()!);
    const arrays = new Queue<RawArray>();
    const seen = new Event();
    const thread = new Thread({ target: floods, args: [arrays, seen] });
    thread.start();
    await seen.wait();
    thread.terminate();
    await thread.join();
    for (let n = 1; n <= 3; n++) assert.equal(arrays.tryGet()!.at(0), n);
    arrays[Symbol.dispose]();
  });

  it('is kept by a pipe, both ways, also when the end that sent it is gone', async () => {
    await Promise.all(
      WRAPPINGS.flatMap((wrapping) =>
        (['killed', 'leaves'] as const).map(async (ending) => {
          const [here, there] = Pipe();
          const handles = new Queue<string>();
          for (const [mine, theirs] of [[here, there]] as const) {
            const child = new Process({ target: produce, args: [theirs, handles, wrapping, ending] });
            child.start();
            theirs.close();
            await child.join();
            checkTaken(await mine.recv(), handles.tryGet()!);
          }
          here.close();
          const [reads, writes] = Pipe({ duplex: false });
          const array = new SharedArray('i32', [1, 2, 3]);
          const { handle } = array;
          writes.sendSync(wrap(array, wrapping));
          array.close();
          writes.close();
          checkTaken(reads.recvSync(), handle);
          reads.close();
        }),
      ),
    );
  });

  it('is kept while its put awaits room, though the object was closed meanwhile', async () => {
    const [queue, handles] = [new Queue({ maxSize: 1 }), new Queue<string>()];
    queue.putSync('first');
    const child = new Process({ target: produce, args: [queue, handles, 'small', 'awaits room'] });
    child.start();
    await until(() => queue.describe().waitingToPut === 1, 'the child to wait for room');
    assert.equal(await queue.get(), 'first');
    await child.join();
    checkTaken(await queue.get(), handles.tryGet()!);
  });

  it('has all with it that it needs: locks, channels, items, data', async () => {
    const queue = new Queue<SharedObject>();
    const child = new Process({ target: produceCompound, args: [queue as Queue] });
    child.start();
    await child.join();
    const taken = Object.keys(COMPOUND).map((name) => ({ name, object: queue.tryGet()! }));
    for (const { name, object } of taken) {
      if (object instanceof SharedArray || object instanceof Value) {
        const value = (): number => Number(object instanceof Value ? object.value : object.at(0));
        assert.equal(object.runSync(value), 5, name);
      } else if (object instanceof Condition) object.runSync(() => object.notifyAll());
      else if (object instanceof Queue) {
        assert.deepEqual((object as Queue<{ inner: SharedArray }>).tryGet()!.inner.toArray(), [7]);
      } else if (object instanceof SharedMemory) assert.equal(new Uint8Array(object.buffer)[0], 7);
      else {
        const end = object as Connection<SharedArray>;
        assert.deepEqual(end.recvSync().toArray(), [7]);
        assert.throws(() => end.recvSync(), { code: 'ERR_LOCKSTEP_END_OF_STREAM' });
      }
    }
  });

  it('ends with a taker that died at once', async () => {
    const queue = new Queue();
    const array = new SharedArray('u8', 10);
    const { handle } = array;
    queue.putSync(array);
    array.close();
    assert.equal(isGone(handle), false);
    const child = new Process({ target: takesAndDies, args: [queue] });
    child.start();
    await child.join();
    assert.ok(isGone(handle));
  });

  it('stays in a closed queue until it is taken', () => {
    const queue = new Queue<SharedArray>();
    queue.putSync(new SharedArray('u8', [1]));
    queue.close();
    assert.deepEqual(queue.getSync().toArray(), [1]);
  });

  it('is counted as often as it was put', () => {
    const queue = new Queue<Lock | Lock[]>();
    const lock = new Lock();
    const { handle } = lock;
    const same = Lock.open(handle);
    for (let n = 0; n < 1000; n++) queue.putSync(n % 2 === 0 ? lock : [lock, same]);
    lock.close();
    same.close();
    for (let n = 0; n < 1000; n++) {
      const taken = queue.getSync();
      for (const each of [taken].flat()) {
        assert.equal(each.handle, handle);
        each.close();
      }
    }
    assert.ok(isGone(handle));
  });

  it('is kept and ended where it lies in more items than can be counted', () => {
    const queue = new Queue<Lock>();
    const lock = new Lock();
    const { handle } = lock;
    queue.putSync(lock);
    // As if it had been put more often: two below the most that the count can say.
    const { words, at } = headerOf(lock);
    Atomics.add(words, at, 0xffc << 19);
    for (let n = 0; n < 4; n++) queue.putSync(lock);
    lock.close();
    for (let n = 0; n < 5; n++) {
      assert.equal(isGone(handle), false);
      queue.getSync().close();
    }
    assert.ok(isGone(handle));
  });

  it('can be the queue itself, or the end that receives it: that is not kept by itself', () => {
    const queue = new Queue<unknown>();
    const array = new SharedArray('u8', 1);
    const handles = [queue.handle, array.handle];
    queue.putSync({ queue, array });
    array.close();
    queue[Symbol.dispose]();
    for (const handle of handles) assert.ok(isGone(handle));
    const again = new Queue<unknown>();
    again.putSync(again);
    const same = again.getSync() as Queue<unknown>;
    same.putSync(1);
    assert.equal(again.getSync(), 1);
    same[Symbol.dispose]();
    again[Symbol.dispose]();
    const [here, there] = Pipe();
    const ends = [here.handle, there.handle];
    here.sendSync([here, there]);
    here.close();
    there.close();
    for (const handle of ends) assert.ok(isGone(handle));
  });

  it('of another namespace is kept by the thread that put it, and only as long as that has it open', async () => {
    const queue = new Queue<Lock>();
    (() => queue.putSync(new Lock({ namespace: 'elsewhere' })))();
    assert.equal(queue.getSync().locked, false);
    const lock = new Lock({ namespace: 'elsewhere' });
    queue.putSync(lock);
    lock.close();
    assert.throws(() => queue.getSync(), { ...STALE, message: /another namespace/ });
  });
});

describe('when the last user of a queue or pipe is gone', { timeout: HANG_MS }, () => {
  it('what lies in it ends with it, queues in queues too', async () => {
    const anchor = new Lock();
    const before = objectsBeside(anchor);
    const make = (): { queue: Queue<unknown>; handles: string[] } => {
      const [queue, inner, deepest] = [
        new Queue<unknown>(),
        new Queue<unknown>(),
        new SimpleQueue<unknown>(),
      ];
      const array = new RawArray('u8', 100);
      const [here, there] = Pipe();
      there.sendSync(array);
      deepest.putSync([array, 'x'.repeat(10)]);
      inner.putSync({ deepest, ballast: 'x'.repeat(5_000_000) });
      queue.putSync(inner);
      queue.putSync(new Map([['end', here]]));
      const handles = [inner, deepest, array, here, there].map(({ handle }) => handle);
      for (const each of [inner, deepest, array, here, there]) each[Symbol.dispose]();
      return { queue, handles };
    };
    const mine = make();
    assert.deepEqual(mine.handles.map(isGone), [false, false, false, false, true]);
    mine.queue[Symbol.dispose]();
    assert.deepEqual(mine.handles.map(isGone), [true, true, true, true, true]);
    assert.deepEqual(newBeside(anchor, before), []);
    const theirs = make();
    const [opened, go] = [new Event(), new Event()];
    const child = new Process({ target: holdsAndDies, args: [theirs.queue as Queue, opened, go] });
    child.start();
    await opened.wait();
    theirs.queue[Symbol.dispose]();
    assert.equal(isGone(theirs.handles[0]!), false);
    go.set();
    await child.join();
    assert.deepEqual(theirs.handles.map(isGone), [true, true, true, true, true]);
  });

  it('a long chain of queues, each in the next, ends as one', () => {
    const anchor = new Lock();
    const before = objectsBeside(anchor);
    let last = new SimpleQueue<unknown>();
    for (let n = 0; n < 60; n++) {
      const next = new SimpleQueue<unknown>();
      next.putSync(last);
      last[Symbol.dispose]();
      last = next;
    }
    assert.ok(newBeside(anchor, before).length >= 60);
    last[Symbol.dispose]();
    assert.deepEqual(newBeside(anchor, before), []);
  });

  it('who waits for the end of a pipe’s end that lay in a queue sees it', async () => {
    const queue = new Queue<unknown>();
    const [here, there] = Pipe();
    queue.putSync(there);
    there.close();
    const end = assert.rejects(here.recv(), { code: 'ERR_LOCKSTEP_END_OF_STREAM' });
    queue[Symbol.dispose]();
    await end;
  });
});

describe('a pipeline of processes', { timeout: HANG_MS }, () => {
  it('passes fresh arrays through its stages, of which each ends before the next has begun', async () => {
    const COUNT = 50;
    const anchor = new Lock();
    const queues = [0, 1, 2].map(() => new Queue<RawArray>());
    const run = async (child: Process<void, never[]> | Process): Promise<void> => {
      child.start();
      await child.join();
      assert.equal(child.exitCode, 0);
    };
    await run(new Process({ target: makes, args: [queues[0]!, COUNT] }) as Process);
    await run(new Process({ target: passesOn, args: [queues[0]!, queues[1]!, COUNT] }) as Process);
    await run(new Process({ target: passesOn, args: [queues[1]!, queues[2]!, COUNT] }) as Process);
    const before = objectsBeside(anchor);
    for (let n = 0; n < COUNT; n++) {
      using array = queues[2]!.tryGet()!;
      assert.deepEqual(array.toArray(), [2, n]);
    }
    const after = objectsBeside(anchor);
    assert.ok([...before].filter((each) => !after.has(each)).length >= COUNT);
    assert.deepEqual(newBeside(anchor, before), []);
  });

  it('loses and leaves nothing when its producers are killed', async () => {
    const anchor = new Lock();
    const queue = new Queue<RawArray>({ bytes: 4096 });
    const before = objectsBeside(anchor);
    let taken = 0;
    for (let round = 0; round < 6; round++) {
      const seen = new Event();
      const children = [1, 2].map(() => new Process({ target: floods, args: [queue, seen] }));
      for (const child of children) child.start();
      for (let n = 0; n < 40 + round; n++) {
        const array = await queue.get();
        assert.equal(array.length, 1);
        array.close();
        taken++;
      }
      for (const child of children) child.kill();
      for (const child of children) await child.join();
      while (!queue.empty) {
        const array = queue.tryGet()!;
        assert.ok(array.at(0) > 0);
        array.close();
        taken++;
      }
      seen.close();
    }
    assert.ok(taken > 240);
    assert.deepEqual(newBeside(anchor, before), []);
  });
});
