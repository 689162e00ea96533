// @ts-check
/**
 * `map` by a Pool of 2 processes:
 *
 * - pool-map: a million integers through a function that returns its argument, millions a second
 * - pool-mandelbrot: the rows of the Mandelbrot set, ms; its peers are a loop in one process, and
 *   two processes that draw every other row each. The latter is the most that two processors of
 *   this machine can do. All of them draw it until they are warm. The loop is warm after its first
 *   picture, the pool's code only after some thousand chunks
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pool, range } from 'lockstep';
import { OURS } from '../figures.js';
import { python } from '../peers.js';
import { mandelbrotRow, ROWS, same } from '../programs/pool-tasks.js';

const WORKERS = 2;
const ITEMS = 1_000_000;
/** Pictures until V8 has compiled the pool's code, in its thread and in the workers: some 5 s. */
const WARM_PICTURES = 100;

/** @param {string} row */
export function prepare(row) {
  const pool = new Pool(WORKERS);
  const close = () => pool.terminate();
  if (row === 'pool-map') {
    const items = Array.from({ length: ITEMS }, (_, n) => n);
    const measure = async () => {
      const start = performance.now();
      const results = await pool.map(same, items);
      const took = performance.now() - start;
      if (results.length !== ITEMS || results[ITEMS - 1] !== ITEMS - 1)
        throw new Error('results are missing');
      return ITEMS / took / 1000;
    };
    return [{ name: OURS, measure, close }, python('CPython Pool.map', 'pool-map', ITEMS)];
  }
  /** @param {() => Promise<number[]> | number[]} draw */
  const timed = async (draw) => {
    const start = performance.now();
    const rows = await draw();
    if (rows.length !== ROWS) throw new Error(`${rows.length} of ${ROWS} rows were drawn`);
    return performance.now() - start;
  };
  const program = fileURLToPath(new URL('../programs/mandelbrot-half.js', import.meta.url));
  const halves = [0, 1].map(() => fork(program));
  const byHand = async () => {
    const drawn = halves.map((half, first) => {
      half.send(first);
      return once(half, 'message');
    });
    return (await Promise.all(drawn)).flatMap(([rows]) => rows);
  };
  const alone = () => Array.from({ length: ROWS }, (_, n) => mandelbrotRow(n));
  return [
    {
      name: OURS,
      measure: () => timed(() => pool.map(mandelbrotRow, range(ROWS))),
      warmRounds: WARM_PICTURES,
      close,
    },
    { name: 'one process', measure: () => timed(alone) },
    {
      name: 'two processes by hand',
      measure: () => timed(byHand),
      close: () => {
        for (const half of halves) half.disconnect();
      },
    },
  ];
}
