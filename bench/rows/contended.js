// @ts-check
/**
 * P processes each take one Lock, add one to one shared integer and let go, as fast as they can.
 * The figure is millions a second, from the moment they are let go to the last one's end. The total
 * must be exact.
 */
import { Barrier, BrokenBarrierError, Lock, Process, Value } from 'lockstep';
import { end } from '../children.js';
import { OURS } from '../figures.js';
import { c, python } from '../peers.js';

const TOTAL = 4_000_000;

/**
 * @param {Lock} lock
 * @param {Value<'i32'>} counter
 * @param {Barrier} gate
 * @param {number} times
 */
export function addUp(lock, counter, gate, times) {
  try {
    for (;;) {
      gate.waitSync();
      for (let i = 0; i < times; i++) {
        lock.acquireSync();
        counter.value++;
        lock.release();
      }
      gate.waitSync();
    }
  } catch (error) {
    // The row is over: the others are being ended while this one waits for them.
    if (!(error instanceof BrokenBarrierError)) throw error;
  }
}

/** @param {string} row */
export function prepare(row) {
  const processes = Number(row.split('-')[1]);
  const times = TOTAL / processes;
  const lock = new Lock();
  const counter = new Value('i32', 0, { lock: false });
  const gate = new Barrier(processes + 1);
  const children = Array.from(
    { length: processes },
    () => new Process({ target: addUp, args: [lock, counter, gate, times], daemon: true }),
  );
  for (const child of children) child.start();
  return [
    {
      name: OURS,
      measure() {
        counter.value = 0;
        const start = process.hrtime.bigint();
        gate.waitSync();
        gate.waitSync();
        const ns = Number(process.hrtime.bigint() - start);
        if (counter.value !== TOTAL) throw new Error(`the total is ${counter.value} instead of ${TOTAL}`);
        return (TOTAL / ns) * 1e3;
      },
      close: () => end(...children),
    },
    python('CPython mp.Lock', 'contended', processes, TOTAL / 4 / processes),
    c('C robust mutex', 'contended', processes, times),
  ];
}
