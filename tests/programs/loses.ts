/** Sends values that lose something on their way: as arguments, as items, as a result. */

import { isMainProcess, Lock, Pipe, Process, Queue } from 'lockstep';

class Point {
  x = 1;
  norm(): number {
    return Math.abs(this.x);
  }
}

export function echo(value: unknown): unknown {
  return Array.isArray(value) ? new Point() : 0;
}

if (isMainProcess) {
  const array = Object.assign([1, 2], { unit: 'm' });
  const getter = Object.defineProperty({ plain: 1 }, 'seen', { get: () => 2, enumerable: true });
  const hidden = Object.defineProperty({ [Symbol('tag')]: 1 }, 'inner', { value: 3, enumerable: false });
  const child = new Process({ target: echo, args: [array] });
  child.start();
  await child.result;
  const queue = new Queue();
  for (let n = 0; n < 2; n++) queue.putSync({ deep: [new Point(), new Map([['k', getter]])] });
  const [here] = Pipe();
  here.sendSync(hidden);
  // Nothing is lost of these.
  queue.putSync([
    new Date(),
    /x/,
    new Uint8Array(2),
    new Error('e'),
    new Set([1]),
    null,
    new Lock(),
    Object.create(null),
    [undefined, 1],
  ]);
}
