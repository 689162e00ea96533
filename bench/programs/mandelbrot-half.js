// @ts-check
// Draws every other row of the Mandelbrot set for each message, which says the first of them.
import { mandelbrotRow, ROWS } from './pool-tasks.js';

process.on('message', (first) => {
  const rows = [];
  for (let n = Number(first); n < ROWS; n += 2) rows.push(mandelbrotRow(n));
  process.send?.(rows);
});
