// @ts-check
/** `lockstep why` while a deadlock of two processes stands, and `node -e ''`, in ms. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Latch, Lock, Process } from 'lockstep';
import { end } from '../children.js';
import { monotonicMs } from '../clock.js';
import { OURS } from '../figures.js';

const command = fileURLToPath(new URL('../../dist/cli/lockstep.js', import.meta.url));

/** @param {Lock} holds @param {Lock} wants @param {Latch} all */
export function holdThenWait(holds, wants, all) {
  holds.acquireSync();
  all.countDown();
  all.waitSync();
  wants.acquireSync({ deadlock: 'ignore' });
}

/** @param {number} expected @param {string[]} args */
function runNode(expected, ...args) {
  const from = monotonicMs();
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== expected) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return monotonicMs() - from;
}

export function prepare() {
  const locks = [new Lock({ deadlock: 'ignore' }), new Lock({ deadlock: 'ignore' })];
  const all = new Latch(3);
  const children = locks.map(
    (lock, index) =>
      new Process({ target: holdThenWait, args: [lock, /** @type {Lock} */ (locks[1 - index]), all] }),
  );
  for (const child of children) child.start();
  all.countDown();
  all.waitSync();
  return [
    {
      name: OURS,
      measure: () => runNode(1, command, 'why'),
      close: () => Promise.all(children.map((each) => end(each))),
    },
    { name: 'bare Node', measure: () => runNode(0, '-e', '') },
  ];
}
