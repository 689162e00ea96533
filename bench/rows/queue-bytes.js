// @ts-check
/**
 * Arrays of 1 MiB from a child to this process: GB/s. Beside them: copies within this process, to
 * as many places as the Queue has.
 */
import { Barrier, Process, Queue } from 'lockstep';
import { end } from '../children.js';
import { OURS } from '../figures.js';
import { makerOf } from '../messages.js';
import { overChildProcess } from '../senders.js';

const ARRAYS = 400;
const BYTES = 2 ** 20;

/** @param {number} nanoseconds @param {number} count */
const gigabytesASecond = (nanoseconds, count) => (count * BYTES) / nanoseconds;

/** @param {Queue} queue @param {Barrier} gate */
export function put(queue, gate) {
  const make = makerOf('bytes');
  for (;;) {
    gate.waitSync();
    for (let i = 0; i < ARRAYS; i++) queue.putSync(make(i));
  }
}

function overQueue() {
  const queue = /** @type {Queue<Uint8Array>} */ (new Queue());
  const gate = new Barrier(2);
  const child = new Process({ target: put, args: [queue, gate], daemon: true });
  child.start();
  return {
    name: OURS,
    measure() {
      gate.waitSync();
      const start = process.hrtime.bigint();
      let bytes = 0;
      for (let i = 0; i < ARRAYS; i++) bytes += queue.getSync().length;
      const took = Number(process.hrtime.bigint() - start);
      if (bytes !== ARRAYS * BYTES) throw new Error(`${bytes} bytes came instead of ${ARRAYS * BYTES}`);
      return gigabytesASecond(took, ARRAYS);
    },
    close: () => end(child),
  };
}

function copying() {
  const from = new Uint8Array(BYTES).fill(1);
  const to = Array.from({ length: 16 }, () => new Uint8Array(BYTES));
  return {
    name: 'memcpy',
    measure() {
      const start = process.hrtime.bigint();
      for (let i = 0; i < ARRAYS; i++) to[i % to.length]?.set(from);
      return gigabytesASecond(Number(process.hrtime.bigint() - start), ARRAYS);
    },
  };
}

export const prepare = () => [
  overQueue(),
  overChildProcess('child_process advanced', 'advanced', 'bytes', ARRAYS, gigabytesASecond),
  copying(),
];
