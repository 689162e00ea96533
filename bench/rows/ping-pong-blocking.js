// @ts-check
/**
 * Two processes hand a turn to and fro over two Semaphores, each blocking until it is its turn: us
 * a round trip.
 */
import { Process, Semaphore } from 'lockstep';
import { end } from '../children.js';
import { nanosecondsEach } from '../clock.js';
import { OURS } from '../figures.js';
import { c, python } from '../peers.js';

const TRIPS = 20_000;

/** @param {Semaphore} ping @param {Semaphore} pong */
export function answer(ping, pong) {
  for (;;) {
    ping.acquireSync();
    pong.release();
  }
}

export function prepare() {
  const ping = new Semaphore(0);
  const pong = new Semaphore(0);
  const child = new Process({ target: answer, args: [ping, pong], daemon: true });
  child.start();
  return [
    {
      name: OURS,
      measure: () =>
        nanosecondsEach(TRIPS, () => {
          for (let i = 0; i < TRIPS; i++) {
            ping.release();
            pong.acquireSync();
          }
        }) / 1e3,
      close: () => end(child),
    },
    python('CPython mp.Semaphore', 'ping-pong', TRIPS),
    c('C raw futex', 'ping-pong', TRIPS),
  ];
}
