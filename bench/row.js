// @ts-check
/**
 * Measures one row in a process of its own, so that no row inherits another's warm JIT, heap or
 * crash. Runs each side until it is warm, then the sides in turn, round after round. Sends what it
 * saw to the runner.
 *
 * @typedef {object} Side   one contestant of a row
 * @property {string} name
 * @property {() => number | Promise<number>} [measure]   one round; in the unit of the row
 * @property {string} [missing]     why it can't be measured here, instead of `measure`
 * @property {number} [rounds]      at most so many, for what takes long
 * @property {boolean} [cold]       no warm-up
 * @property {() => unknown} [close]
 * @typedef {{ name: string, samples: number[], missing?: string }} Seen
 */
import { figures } from './figures.js';

const WARM_MS = 1000;
const WARM_ROUNDS = 10;

/**
 * V8 takes some ten thousand calls, in every process that takes part, until it has compiled what is
 * called.
 */
async function warmUp(/** @type {() => number | Promise<number>} */ measure) {
  const enough = performance.now() + WARM_MS;
  for (let round = 0; round < WARM_ROUNDS && performance.now() < enough; round++) await measure();
}

/** @param {string} name @param {boolean} quick */
async function measureRow(name, quick) {
  const figure = figures.find(({ row }) => row === name);
  if (!figure) throw new RangeError(`no row "${name}"`);
  const { prepare } = await import(new URL(`rows/${figure.measuredIn}`, import.meta.url).href);
  /** @type {Side[]} */
  const sides = await prepare(name);
  /** @type {Seen[]} */
  const seen = sides.map(({ name, missing }) => ({ name, samples: [], ...(missing ? { missing } : {}) }));

  for (const { measure, cold } of sides) if (measure && !cold) await warmUp(measure);
  const rounds = quick ? Math.min(3, figure.rounds ?? 9) : (figure.rounds ?? 9);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { measure, rounds: most = rounds }] of sides.entries()) {
      if (measure && round < most) seen[i]?.samples.push(await measure());
    }
  }
  for (const { close } of sides) await close?.();
  return seen;
}

if (process.argv[1] === import.meta.filename) {
  const [name = '', quick] = process.argv.slice(2);
  const seen = await measureRow(name, quick === 'quick');
  process.send?.(seen, () => process.disconnect());
}
