// @ts-check
/**
 * Two processes hand a turn to and fro, and each awaits its turn while its event loop continues: us
 * a round trip. Lockstep: two Locks, each released by the other process. Peer: a message to a
 * forked child, and its answer.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Lock, Process } from 'lockstep';
import { end } from '../children.js';
import { nanosecondsEachAsync } from '../clock.js';
import { OURS } from '../figures.js';

const TRIPS = 5_000;
const echo = fileURLToPath(new URL('../programs/echo.js', import.meta.url));

/** @param {Lock} ping @param {Lock} pong */
export async function answer(ping, pong) {
  for (;;) {
    await ping.acquire();
    pong.release();
  }
}

function overLocks() {
  const ping = new Lock();
  const pong = new Lock();
  ping.acquireSync();
  pong.acquireSync();
  const child = new Process({ target: answer, args: [ping, pong], daemon: true });
  child.start();
  return {
    name: OURS,
    measure: async () =>
      (await nanosecondsEachAsync(TRIPS, async () => {
        for (let i = 0; i < TRIPS; i++) {
          ping.release();
          await pong.acquire();
        }
      })) / 1e3,
    close: () => end(child),
  };
}

function overMessages() {
  const child = fork(echo);
  return {
    name: 'child_process message',
    measure: async () =>
      (await nanosecondsEachAsync(
        TRIPS,
        () =>
          new Promise((resolve) => {
            let left = TRIPS;
            child.on('message', () => {
              if (--left > 0) child.send(0);
              else resolve(void child.removeAllListeners('message'));
            });
            child.send(0);
          }),
      )) / 1e3,
    close: () => child.disconnect(),
  };
}

export const prepare = () => [overLocks(), overMessages()];
