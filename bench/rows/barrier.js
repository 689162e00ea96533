// @ts-check
/** Two blocking processes meet at a Barrier again and again: us a round. */
import { Barrier, Process } from 'lockstep';
import { end } from '../children.js';
import { nanosecondsEach } from '../clock.js';
import { OURS } from '../figures.js';
import { c, python } from '../peers.js';

const ROUNDS = 10_000;

/** @param {Barrier} barrier */
export function meet(barrier) {
  for (;;) barrier.waitSync();
}

export function prepare() {
  const barrier = new Barrier(2);
  const child = new Process({ target: meet, args: [barrier], daemon: true });
  child.start();
  return [
    {
      name: OURS,
      measure: () =>
        nanosecondsEach(ROUNDS, () => {
          for (let i = 0; i < ROUNDS; i++) barrier.waitSync();
        }) / 1e3,
      close: () => end(child),
    },
    python('CPython mp.Barrier', 'barrier', ROUNDS / 2),
    c('C pthread_barrier', 'barrier', ROUNDS),
  ];
}
