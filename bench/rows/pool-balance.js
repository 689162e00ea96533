// @ts-check
/**
 * How long a Pool of 2 processes takes for a map, as a multiple of the ideal, which is half of the
 * work:
 *
 * - pool-uneven: 2000 items whose times differ a thousandfold, by a Pareto distribution
 * - pool-even: 500 items of 1 ms
 *
 * An item looks at the clock until its time has passed. The times come from a generator with a
 * fixed seed, so that they are the same in each run.
 */
import { Pool } from 'lockstep';
import { OURS } from '../figures.js';
import { lastFor } from '../programs/pool-tasks.js';

const WORKERS = 2;
const SEED = 42;
/** Milliseconds of the shortest and of the longest item, and the distribution's exponent. */
const SHORTEST = 0.1;
const LONGEST = 100;
const EXPONENT = 1.1;

function unevenTimes() {
  let state = SEED;
  return Array.from({ length: 2000 }, () => {
    // The generator of Numerical Recipes.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const chance = (state + 1) / 2 ** 32;
    return Math.min(LONGEST, SHORTEST / chance ** (1 / EXPONENT));
  });
}

/** @param {string} row */
export function prepare(row) {
  const pool = new Pool(WORKERS);
  const times = row === 'pool-uneven' ? unevenTimes() : Array.from({ length: 500 }, () => 1);
  const ideal = times.reduce((sum, time) => sum + time) / WORKERS;
  const measure = async () => {
    const start = performance.now();
    const lasted = await pool.map(lastFor, times);
    if (lasted.length !== times.length) throw new Error('results are missing');
    return (performance.now() - start) / ideal;
  };
  return [{ name: OURS, measure, close: () => pool.terminate() }];
}
