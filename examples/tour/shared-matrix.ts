// Shared matrix: four processes fill one matrix in shared memory, each its own rows; nothing is
// copied. A barrier separates the two phases: when all rows are filled, each process adds up its
// columns.

import { Barrier, currentProcess, isMainProcess, Process, SharedArray } from 'lockstep';
import { check } from './check.ts';

const SIZE = 400;
const PARTS = 4;

export function work(matrix: SharedArray<'f64'>, sums: SharedArray<'f64'>, met: Barrier, part: number): void {
  const { view } = matrix;
  const [from, to] = [(SIZE / PARTS) * part, (SIZE / PARTS) * (part + 1)];
  for (let row = from; row < to; row++) {
    for (let column = 0; column < SIZE; column++) view[row * SIZE + column] = row + column;
  }
  console.log(`${currentProcess().name} filled rows ${from} to ${to - 1}`);
  met.waitSync();
  for (let column = from; column < to; column++) {
    let sum = 0;
    for (let row = 0; row < SIZE; row++) sum += view[row * SIZE + column]!;
    sums.set(column, sum);
  }
}

if (isMainProcess) {
  const matrix = new SharedArray('f64', SIZE * SIZE);
  const sums = new SharedArray('f64', SIZE);
  const met = new Barrier(PARTS);
  const workers = Array.from({ length: PARTS }, (_, part) => {
    return new Process({ target: work, args: [matrix, sums, met, part] });
  });
  for (const worker of workers) worker.start();
  for (const worker of workers) await worker.join();

  const rows = (SIZE * (SIZE - 1)) / 2;
  check(
    workers.every(({ exitCode }) => exitCode === 0),
    'all four processes came through',
  );
  check(
    [...sums].every((sum, column) => sum === rows + SIZE * column),
    'each column has the right sum',
  );
  check([...sums].reduce((all, sum) => all + sum) === 2 * SIZE * rows, 'and so has the whole matrix');
}
