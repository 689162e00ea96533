// @ts-check
// The functions that the workers of all pools run, Lockstep's and its peers'.
import { currentTask, transfer } from 'lockstep';
import { monotonicMs } from '../clock.js';

/** @template Value @param {Value} value */
export function same(value) {
  return value;
}

/** The first number. @param {{ at(index: number): number | undefined }} numbers */
export function firstOf(numbers) {
  return numbers.at(0);
}

/** Moves the bytes back. @param {Uint8Array<ArrayBuffer>} bytes */
export function moved(bytes) {
  return transfer(bytes);
}

export function pid() {
  return process.pid;
}

/** Reports that it runs, and continues until its worker is killed. */
export async function lastForever() {
  currentTask()?.report('running');
  await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));
}

/** Looks at the clock until so many milliseconds have passed. @param {number} milliseconds */
export function lastFor(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
  return milliseconds;
}

/**
 * Polls in a loop without a turn of the event loop until it is aborted, and notes when it saw that.
 *
 * @param {import('lockstep').SharedArray<'f64'>} seenAt
 */
export function pollForAbort(seenAt) {
  const task = currentTask();
  task?.report('running');
  while (task?.aborted === false);
  seenAt.set(0, monotonicMs());
}

export const ROWS = 200;
const COLUMNS = 300;
const DEPTH = 3000;

/** A row of the Mandelbrot set: how many of its points are inside. @param {number} number */
export function mandelbrotRow(number) {
  const y = (number / ROWS) * 2.4 - 1.2;
  let inside = 0;
  for (let column = 0; column < COLUMNS; column++) {
    const x = (column / COLUMNS) * 3.2 - 2.2;
    let re = 0;
    let im = 0;
    let steps = 0;
    while (steps < DEPTH && re * re + im * im < 4) {
      const next = re * re - im * im + x;
      im = 2 * re * im + y;
      re = next;
      steps++;
    }
    if (steps === DEPTH) inside++;
  }
  return inside;
}
