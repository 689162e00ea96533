// Pool, cancel: tasks are cancelled while they run. A task that checks for this stops by itself,
// even in a loop that never awaits. If a task does not check, its worker is killed and replaced. A
// waiting task never starts. No other task is disturbed.

import { currentTask, isMainProcess, Pool, TaskTimeoutError } from 'lockstep';
import { check } from './check.ts';

/** Searches without end and without `await`, but asks in each round, which costs nanoseconds. */
export function searchAndAsk(): never {
  for (let round = 0; ; round++) {
    if (round % 1_000_000 === 0) currentTask()?.report(round);
    currentTask()?.throwIfAborted();
  }
}

/** Asks nothing, ever. */
export function searchDeaf(): never {
  for (;;);
}

export function add(a: number, b: number): number {
  return a + b;
}

if (isMainProcess) {
  await using pool = new Pool({ processes: 1, grace: 200 });
  await pool.ready;

  const stop = new AbortController();
  const task = pool.submit(searchAndAsk, [], { signal: stop.signal, onReport: () => stop.abort() });
  const asks = await task.then(
    () => 'done',
    (reason: DOMException) => reason.name,
  );
  await task.ended;
  check(asks === 'AbortError', 'a loop that asks was stopped, and its worker lives on');

  const deaf = pool.submit(searchDeaf, [], { timeout: 50 });
  const waiting = pool.submit(add, [1, 2]);
  const late = pool.apply(add, [3, 4]);
  check(waiting.cancel(), 'a task that waits is withdrawn');
  const [timedOut, withdrawn] = await Promise.allSettled([deaf, waiting]);
  check(
    timedOut.status === 'rejected' && timedOut.reason instanceof TaskTimeoutError,
    'one that asks nothing is given up when its time is over',
  );
  check(withdrawn.status === 'rejected', 'the withdrawn one has never run');
  check((await late) === 7, 'its worker was replaced, and the next task runs there');
}
