// @ts-check
/**
 * A small object goes to a child by one Queue and comes back by another: us a round trip. Peer: a
 * message to a forked child, and its answer.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Process, Queue } from 'lockstep';
import { end } from '../children.js';
import { nanosecondsEachAsync } from '../clock.js';
import { OURS } from '../figures.js';
import { makerOf } from '../messages.js';

const TRIPS = 5_000;
const echo = fileURLToPath(new URL('../programs/echo.js', import.meta.url));
const make = makerOf('objects');

/** @param {Queue} there @param {Queue} back @param {boolean} blocking */
export async function answer(there, back, blocking) {
  for (;;) {
    if (blocking) back.putSync(there.getSync());
    else await back.put(await there.get());
  }
}

/** @param {boolean} blocking */
function overQueues(blocking) {
  const [there, back] = [new Queue(), new Queue()];
  const child = new Process({ target: answer, args: [there, back, blocking], daemon: true });
  child.start();
  const trips = async () => {
    for (let i = 0; i < TRIPS; i++) {
      if (blocking) {
        there.putSync(make(i));
        back.getSync();
      } else {
        await there.put(make(i));
        await back.get();
      }
    }
  };
  return {
    name: OURS,
    measure: async () => (await nanosecondsEachAsync(TRIPS, trips)) / 1e3,
    close: () => end(child),
  };
}

function overMessages() {
  const child = fork(echo);
  const trips = () =>
    new Promise((resolve) => {
      let left = TRIPS;
      child.on('message', () => {
        if (--left > 0) child.send(/** @type {object} */ (make(left)));
        else resolve(void child.removeAllListeners('message'));
      });
      child.send(/** @type {object} */ (make(left)));
    });
  return {
    name: 'child_process message',
    measure: async () => (await nanosecondsEachAsync(TRIPS, trips)) / 1e3,
    close: () => child.disconnect(),
  };
}

/** @param {string} row */
export const prepare = (row) => [overQueues(row === 'queue-trip-blocking'), overMessages()];
