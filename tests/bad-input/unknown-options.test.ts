/**
 * Misspelt options: every constructor and every wait refuses them, and names the nearest that there
 * is.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as lockstep from 'lockstep';
import { HANG_MS } from '../support/until.ts';

const {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  JoinableQueue,
  Latch,
  Lock,
  Pipe,
  Pool,
  Process,
  Queue,
  RawArray,
  RawValue,
  RLock,
  RWLock,
  Semaphore,
  ShareableList,
  Shared,
  SharedArray,
  SharedMemory,
  SimpleQueue,
  struct,
  Thread,
  ThreadPool,
  Value,
  waitAny,
  waitAnySync,
} = lockstep;
const Point = struct({ x: 'i32' });

/** Makes one with these options, besides what it needs. */
const MAKERS: Record<string, [misspelt: string, meant: string, make: (options: never) => unknown]> = {
  Barrier: ['acton', 'action', (options) => new Barrier(1, options)],
  BoundedSemaphore: ['nmae', 'name', (options) => new BoundedSemaphore(1, options)],
  Condition: ['namspace', 'namespace', (options) => new Condition(undefined, options)],
  Event: ['Name', 'name', (options) => new Event(options)],
  JoinableQueue: ['max_size', 'maxSize', (options) => new JoinableQueue(options)],
  Latch: ['nam', 'name', (options) => new Latch(1, options)],
  Lock: ['deadlok', 'deadlock', (options) => new Lock(options)],
  Pool: ['proceses', 'processes', (options) => new Pool(options)],
  Pipe: ['dupelx', 'duplex', (options) => Pipe(options)],
  Process: ['deamon', 'daemon', (options) => new Process(options)],
  Queue: ['endWithProducers', 'endsWithProducers', (options) => new Queue(options)],
  RawArray: ['names', 'name', (options) => new RawArray('i8', 1, options)],
  RawValue: ['nmae', 'name', (options) => new RawValue('i8', 0, options)],
  Record: ['lok', 'lock', (options) => new Point({}, options)],
  RecordArray: ['locks', 'lock', (options) => Point.array(1, options)],
  RLock: ['stakcs', 'stacks', (options) => new RLock(options)],
  RWLock: ['perfer', 'prefer', (options) => new RWLock(options)],
  Semaphore: ['nmae', 'name', (options) => new Semaphore(1, options)],
  ShareableList: ['nmae', 'name', (options) => new ShareableList([1], options)],
  Shared: ['nmae', 'name', (options) => new Shared(1, options)],
  SharedArray: ['lokc', 'lock', (options) => new SharedArray('i8', 1, options)],
  SharedMemory: ['sizes', 'size', (options) => new SharedMemory(options)],
  SimpleQueue: ['nmae', 'name', (options) => new SimpleQueue(options)],
  ThreadPool: ['thraeds', 'threads', (options) => new ThreadPool(options)],
  Thread: ['arg', 'args', (options) => new Thread(options)],
  Value: ['lcok', 'lock', (options) => new Value('i8', 0, options)],
};
const fn = (): void => {};
const held = (): InstanceType<typeof Condition> => {
  const condition = new Condition();
  condition.acquireSync();
  return condition;
};

/** Calls that wait, each of which could return immediately if the option were ignored. */
const WAITS: Record<string, (options: never) => unknown> = {
  'Barrier.wait': (options) => new Barrier(1).wait(options),
  'Barrier.waitSync': (options) => new Barrier(1).waitSync(options),
  'Condition.acquire': (options) => new Condition().acquire(options),
  'Condition.wait': (options) => held().wait(options),
  'Condition.waitSync': (options) => held().waitSync(options),
  'Condition.waitFor': (options) => held().waitFor(() => true, options),
  'Condition.waitForSync': (options) => held().waitForSync(() => true, options),
  'Event.wait': (options) => new Event().wait(options),
  'Event.waitSync': (options) => new Event().waitSync(options),
  'JoinableQueue.join': (options) => new JoinableQueue().join(options),
  'JoinableQueue.joinSync': (options) => new JoinableQueue().joinSync(options),
  'Latch.wait': (options) => new Latch(0).wait(options),
  'Latch.waitSync': (options) => new Latch(0).waitSync(options),
  'Connection.recv': (options) => Pipe()[0].recv(options),
  'Connection.recvSync': (options) => Pipe()[0].recvSync(options),
  'Connection.poll': (options) => Pipe()[0].poll(options),
  'Connection.pollSync': (options) => Pipe()[0].pollSync(options),
  'Connection.send': (options) => Pipe()[0].send(1, options),
  'Connection.sendSync': (options) => Pipe()[0].sendSync(1, options),
  'Queue.put': (options) => new Queue().put(1, options),
  'Queue.putSync': (options) => new Queue().putSync(1, options),
  'Queue.get': (options) => new Queue().get(options),
  'Queue.getSync': (options) => new Queue().getSync(options),
  'Value.run': (options) => new Value('i8').run(fn, options),
  'Value.runSync': (options) => new Value('i8').runSync(fn, options),
  waitAny: (options) => waitAny([new Queue()], options),
  waitAnySync: (options) => waitAnySync([new Queue()], options),
};
for (const [name, make] of Object.entries({
  Lock: () => new Lock(),
  RLock: () => new RLock(),
  Semaphore: () => new Semaphore(),
  BoundedSemaphore: () => new BoundedSemaphore(1),
  'RWLock.read': () => new RWLock().read,
  'RWLock.write': () => new RWLock().write,
})) {
  WAITS[`${name}.acquire`] = (options) => make().acquire(options);
  WAITS[`${name}.acquireSync`] = (options) => make().acquireSync(options);
  WAITS[`${name}.run`] = (options) => make().run(fn, options);
  WAITS[`${name}.runSync`] = (options) => make().runSync(fn, options);
}

async function refused(call: () => unknown, misspelt: string, meant: string): Promise<void> {
  await assert.rejects(
    async () => await call(),
    (error: Error & { code: string }) => {
      assert.equal(error.code, 'ERR_LOCKSTEP_INVALID_TYPE', error.stack);
      assert.ok(error.message.includes(`\`${misspelt}\`; did you mean \`${meant}\`?`), error.message);
      return true;
    },
  );
}

describe('a misspelt option', { timeout: HANG_MS, concurrency: true }, () => {
  for (const [name, [misspelt, meant, make]] of Object.entries(MAKERS)) {
    it(`of ${name} is refused`, () => refused(() => make({ [misspelt]: 1 } as never), misspelt, meant));
  }
  for (const [name, wait] of Object.entries(WAITS)) {
    it(`of ${name} is refused`, () => refused(() => wait({ timout: 20 } as never), 'timout', 'timeout'));
  }
  it('that resembles none gets the list of those that there are', () => {
    assert.throws(
      () => new Event({ colour: 1 } as never),
      /unknown option `colour`; there are `name`, `namespace`/,
    );
  });
  it('is looked for in every class', () => {
    const exempt = ['Connection', 'QueueProducer', 'ThreadLocal', 'Timer'];
    const classes = Object.entries(lockstep)
      .filter(([name, value]) => /^class\b/.test(String(value)) && !name.endsWith('Error'))
      .map(([name]) => name);
    assert.deepEqual(
      classes.filter((name) => !(name in MAKERS) && !exempt.includes(name)),
      [],
    );
  });
});
