// @ts-check
/**
 * Producers put items into one Queue as fast as they can, and consumers take them, all in
 * processes of their own and blocking. The figure is millions of items a second, from the moment
 * they are let go until the last was taken. The peers send the same from one child to this process.
 */
import { Barrier, Process, Queue } from 'lockstep';
import { end } from '../children.js';
import { OURS } from '../figures.js';
import { makerOf } from '../messages.js';
import { python } from '../peers.js';
import { overChildProcess, overWorker } from '../senders.js';

const ITEMS = 1_000_000;
const PEER_ITEMS = 50_000;

/** @param {number} nanoseconds @param {number} count */
const millionsASecond = (nanoseconds, count) => (count / nanoseconds) * 1e3;

/**
 * @param {Queue} queue
 * @param {Barrier} gate
 * @param {string} kind
 * @param {number} times
 */
export function put(queue, gate, kind, times) {
  const make = makerOf(kind);
  for (;;) {
    gate.waitSync();
    for (let i = 0; i < times; i++) queue.putSync(make(i));
    gate.waitSync();
  }
}

/** @param {Queue} queue @param {Barrier} gate @param {number} times */
export function take(queue, gate, times) {
  for (;;) {
    gate.waitSync();
    for (let i = 0; i < times; i++) queue.getSync();
    gate.waitSync();
  }
}

/**
 * @param {string} name
 * @param {string} kind
 * @param {number} each   producers, and as many consumers
 */
function overQueue(name, kind, each) {
  const queue = new Queue();
  const gate = new Barrier(2 * each + 1);
  const times = ITEMS / each;
  const children = Array.from({ length: 2 * each }, (_, i) =>
    i < each
      ? new Process({ target: put, args: [queue, gate, kind, times], daemon: true })
      : new Process({ target: take, args: [queue, gate, times], daemon: true }),
  );
  for (const child of children) child.start();
  return {
    name,
    measure() {
      const start = process.hrtime.bigint();
      gate.waitSync();
      gate.waitSync();
      const took = Number(process.hrtime.bigint() - start);
      if (!queue.empty) throw new Error(`${queue.size} items are left`);
      return millionsASecond(took, ITEMS);
    },
    close: () => end(...children),
  };
}

/** @param {string} row */
export function prepare(row) {
  if (row === 'queue-4-to-4') {
    return [overQueue(OURS, 'objects', 4), overQueue('Lockstep, 1 to 1', 'objects', 1)];
  }
  const kind = row === 'queue-integers' ? 'integers' : 'objects';
  return [
    overQueue(OURS, kind, 1),
    overChildProcess('child_process json', 'json', kind, PEER_ITEMS, millionsASecond),
    python('CPython mp.Queue', `queue-${kind}`, PEER_ITEMS),
    overWorker('worker postMessage', kind, PEER_ITEMS, millionsASecond),
  ];
}
