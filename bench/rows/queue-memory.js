// @ts-check
/**
 * Two processes fill a Queue of 16 MiB to its bounds and empty it, again and again. The figure is
 * the growth of resident memory in MiB, of the process that grows more. Each has the whole ring
 * mapped, so 16 is the least.
 */
import { Process, Queue } from 'lockstep';
import { end } from '../children.js';
import { OURS } from '../figures.js';
import { makerOf } from '../messages.js';

const FILLINGS = 10;

const resident = () => process.memoryUsage.rss() / 2 ** 20;

/**
 * Takes the requested number of items; answers by how much it has grown.
 * @param {Queue} queue @param {Queue<number>} counts @param {Queue<number>} growths
 */
export function drain(queue, counts, growths) {
  const before = resident();
  for (const count of counts) {
    for (let left = count; left > 0; left--) queue.getSync();
    growths.putSync(resident() - before);
  }
}

/** Puts until no more fits; returns how many. @param {Queue} queue */
function fill(queue) {
  const make = makerOf('objects');
  for (let put = 0; ; put++) {
    if (!queue.tryPut(make(put))) return put;
  }
}

export function prepare() {
  const queue = new Queue();
  const counts = /** @type {Queue<number>} */ (new Queue());
  const growths = /** @type {Queue<number>} */ (new Queue());
  const child = new Process({ target: drain, args: [queue, counts, growths], daemon: true });
  child.start();
  return [
    {
      name: OURS,
      cold: true,
      measure() {
        const before = resident();
        let grown = 0;
        for (let filling = 0; filling < FILLINGS; filling++) {
          counts.putSync(fill(queue));
          grown = Math.max(growths.getSync(), resident() - before);
        }
        return grown;
      },
      close: () => end(child),
    },
  ];
}
