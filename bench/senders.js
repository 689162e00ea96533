// @ts-check
/** Children that send many messages: the peers of the rows of queues. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const program = fileURLToPath(new URL('programs/send-many.js', import.meta.url));

/**
 * Resolves when the sender has sent `count` messages and all have come.
 * @param {import('node:child_process').ChildProcess | Worker} sender
 * @param {string} kind
 * @param {number} count
 */
function receiveAll(sender, kind, count) {
  return new Promise((resolve) => {
    let left = count;
    sender.on('message', () => {
      if (--left === 0) resolve(void sender.removeAllListeners('message'));
    });
    if (sender instanceof Worker) sender.postMessage({ kind, count });
    else sender.send({ kind, count });
  });
}

/**
 * The figure of that: of its nanoseconds and the count.
 * @param {import('node:child_process').ChildProcess | Worker} sender
 * @param {string} kind
 * @param {number} count
 * @param {(nanoseconds: number, count: number) => number} figure
 */
async function timed(sender, kind, count, figure) {
  const start = process.hrtime.bigint();
  await receiveAll(sender, kind, count);
  return figure(Number(process.hrtime.bigint() - start), count);
}

/**
 * @param {string} name
 * @param {'json' | 'advanced'} serialization
 * @param {string} kind
 * @param {number} count
 * @param {(nanoseconds: number, count: number) => number} figure
 */
export function overChildProcess(name, serialization, kind, count, figure) {
  const child = fork(program, { serialization });
  return {
    name,
    measure: () => timed(child, kind, count, figure),
    close: () => child.disconnect(),
  };
}

/**
 * @param {string} name
 * @param {string} kind
 * @param {number} count
 * @param {(nanoseconds: number, count: number) => number} figure
 */
export function overWorker(name, kind, count, figure) {
  const worker = new Worker(program);
  return {
    name,
    measure: () => timed(worker, kind, count, figure),
    close: () => worker.terminate(),
  };
}
