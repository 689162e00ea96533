/** The page of errors shows messages as the library writes them. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Lock,
  type LockstepError,
  Pipe,
  Process,
  Queue,
  SharedArray,
  SharedMemory,
} from 'lockstep';
import { read } from './markdown.ts';

const PAGE = 'docs/reference/errors.md';
const shown = new Map(
  [...read(PAGE).matchAll(/^## (ERR_LOCKSTEP_\w+)\n(?:(?!^## )[\s\S])*?```text\n([\s\S]*?)\n```/gm)].map(
    ([, code, messages]) => [code, messages?.split('\n').map(comparable)],
  ),
);

/** Calls that go wrong as the page shows it. */
const MISTAKES: Record<string, () => unknown> = {
  'an unknown option': () => new Lock({ nmae: 'invoices' } as object),
  'an index outside of an array': () => {
    using array = new SharedArray('i32', 10);
    array.set(10, 1);
  },
  'a release too many': () => {
    using lock = new Lock({ name: 'invoices' });
    lock.release();
  },
  'notify() without the lock': () => {
    using condition = new Condition();
    condition.notify();
  },
  'a permit too many': () => {
    using browsers = new BoundedSemaphore(2, { name: 'browsers' });
    browsers.release();
  },
  'a broken barrier': () => {
    using barrier = new Barrier(2, { name: 'start' });
    barrier.abort();
    barrier.waitSync();
  },
  'a closed lock': () => {
    const lock = new Lock({ name: 'invoices' });
    lock.close();
    lock.acquireSync();
  },
  'a closed queue': () => {
    using queue = new Queue({ name: 'jobs' });
    queue.close();
    queue.getSync();
  },
  'a handle of another class': () => {
    using lock = new Lock();
    Queue.open(lock.handle);
  },
  'a stale handle': () => {
    const lock = new Lock();
    const { handle } = lock;
    lock.close();
    Lock.open(handle);
  },
  'a name with a slash': () => new Lock({ name: 'a/b' }),
  'a name of another class': () => {
    using lock = new Lock({ name: 'jobs' });
    assert.equal(lock.name, 'jobs');
    new Queue({ name: 'jobs' });
  },
  'a block that does not exist': () => {
    // A name can only be missing in a namespace that is there.
    using lock = new Lock({ name: 'invoices' });
    assert.equal(lock.locked, false);
    return new SharedMemory({ name: 'frames' });
  },
  'a function in a queue': () => {
    using queue = new Queue<object>({ name: 'jobs' });
    queue.putSync({ done: () => {} });
  },
  'a join before the start': () => new Process({ target: holdTwice, name: 'worker' }).joinSync(),
  'a lock that its holder waits for': () => holdTwice(),
  'a full queue': () => {
    using queue = new Queue<number>({ name: 'jobs', maxSize: 1 });
    queue.putSync(1);
    queue.putSync(2, { timeout: 100 });
  },
  'an empty queue': () => {
    using queue = new Queue({ name: 'jobs' });
    queue.getSync({ timeout: 100 });
  },
  'a pipe whose other end is closed': () => {
    const [here, there] = Pipe();
    using end = here;
    there.close();
    end.recvSync();
  },
  'a pipe that nobody reads': () => {
    const [here, there] = Pipe();
    using end = here;
    there.close();
    end.sendSync(1);
  },
  'a pipe that stays empty': () => {
    const [here, there] = Pipe();
    using end = here;
    using other = there;
    assert.equal(other.closed, false);
    end.recvSync({ timeout: 100 });
  },
};

function holdTwice(): void {
  using lock = new Lock({ name: 'invoices' });
  lock.runSync(() => lock.acquireSync());
}

for (const [what, mistake] of Object.entries(MISTAKES))
  test(`the message of ${what} is the one that the page shows`, () => {
    assert.throws(mistake, (error: LockstepError) => {
      assert.ok(
        shown.get(error.code)?.includes(comparable(error.message)),
        `${PAGE}, ${error.code}: ${error.message}`,
      );
      return true;
    });
  });

test('every heading of a code shows a message', () => {
  const codes = [...read(PAGE).matchAll(/^## (ERR_LOCKSTEP_\w+)$/gm)].map(([, code]) => code);
  assert.deepEqual([...shown.keys()], codes);
});

/** Process ids and the namespace's folder differ from run to run. */
function comparable(message: string): string {
  return message.replace(/pid \d+/g, 'pid N').replace(/\S+\/lockstep-\d+\.default/g, 'FOLDER');
}
