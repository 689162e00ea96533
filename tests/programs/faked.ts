/**
 * Waits with faked clocks and timers:
 * `node faked.js <who fakes> <before | after Lockstep is loaded>`. Prints what each wait gave, and
 * whether it took its time by the machine's clock.
 */

import { mock } from 'node:test';
import FakeTimers from '@sinonjs/fake-timers';

const MILLISECONDS = 60;
const EARLIEST = MILLISECONDS - 1;

const [, , faker, order] = process.argv;
const { now } = Object.getPrototypeOf(performance) as typeof performance;
const clock = now.bind(performance);

const fakes: Record<string, () => void> = {
  node() {
    mock.timers.enable();
    freeze();
  },
  sinon() {
    const { setTimeout: real } = globalThis;
    FakeTimers.install();
    if (globalThis.setTimeout === real) throw new Error('nothing was faked');
  },
  assigned() {
    freeze();
    for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'] as const) {
      Object.assign(globalThis, { [name]: () => ({ ref() {}, unref() {} }) });
    }
    process.hrtime.bigint = () => 0n;
    process.nextTick = () => {};
  },
};

/** No mock of Node's own reaches these. */
function freeze(): void {
  const frozen = performance.now();
  performance.now = () => frozen;
  Date.now = () => 0;
}

if (order === 'before') fakes[faker!]!();
const { Condition, Event, Latch, Lock, Pipe, Queue, Semaphore, Timer, waitAny, waitAnySync } = await import(
  'lockstep'
);
if (order === 'after') fakes[faker!]!();

const given: Record<string, unknown> = {};

async function timed(name: string, wait: () => unknown): Promise<void> {
  const begin = clock();
  const gave = await Promise.resolve()
    .then(wait)
    .catch((error: Error) => error.name);
  given[name] = clock() - begin >= EARLIEST ? gave : `${gave} too soon`;
}

const options = { timeout: MILLISECONDS };
const event = new Event();
const held = new Lock();
held.acquireSync();
const taken = new Semaphore(0);
const latch = new Latch(1);
const queue = new Queue();
const [end, other] = Pipe();
const condition = new Condition();

await timed('event.waitSync', () => event.waitSync(options));
await timed('lock.acquireSync', () => held.acquireSync({ ...options, deadlock: 'ignore' }));
await timed('queue.getSync', () => queue.getSync(options));
await timed('waitAnySync', () => waitAnySync([queue], options));
await Promise.all([
  timed('event.wait', () => event.wait(options)),
  timed('lock.acquire', () => held.acquire({ ...options, deadlock: 'ignore' })),
  timed('semaphore.acquire', () => taken.acquire(options)),
  timed('latch.wait', () => latch.wait(options)),
  timed('queue.get', () => queue.get(options)),
  timed('connection.poll', () => end.poll(options)),
  timed('waitAny', () => waitAny([queue], options)),
  timed('waitAny of nothing', async () => (await waitAny([], options)).length),
  timed('condition.wait', () => condition.run(() => condition.wait(options))),
  timed('timer', () => new Promise((resolve) => new Timer(MILLISECONDS, resolve, 'called').start())),
]);
// Given by another flow of this thread, which is woken without any timer.
const waits = event.wait();
event.set();
other.close();
given.set = await waits;
process.stdout.write(`${JSON.stringify(given)}\n`);
process.exit(0);
