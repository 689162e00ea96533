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
 * @property {number} [warmRounds]  rounds of warm-up, instead of a second or ten rounds
 * @property {() => unknown} [close]
 * @typedef {{ name: string, samples: number[], missing?: string }} Seen
 */
import { figures, OURS } from './figures.js';

const WARM_MS = 1000;
const WARM_ROUNDS = 10;

/**
 * V8 takes some ten thousand calls, in every process that takes part, until it has compiled what is
 * called.
 */
async function warmUp(/** @type {Side} */ { measure, cold, warmRounds }) {
  if (!measure || cold) return;
  const enough = performance.now() + (warmRounds ? Number.POSITIVE_INFINITY : WARM_MS);
  const rounds = warmRounds ?? WARM_ROUNDS;
  for (let round = 0; round < rounds && performance.now() < enough; round++) await measure();
}

/**
 * @param {string} name
 * @returns {Promise<{ figure: import('./figures.js').Figure, sides: Side[] }>}
 */
async function sidesOf(name) {
  const figure = figures.find(({ row }) => row === name);
  if (!figure) throw new RangeError(`no row "${name}"`);
  const { prepare } = await import(new URL(`rows/${figure.measuredIn}`, import.meta.url).href);
  return { figure, sides: await prepare(name) };
}

/** @param {string} name @param {boolean} quick */
async function measureRow(name, quick) {
  const { figure, sides } = await sidesOf(name);
  /** @type {Seen[]} */
  const seen = sides.map(({ name, missing }) => ({ name, samples: [], ...(missing ? { missing } : {}) }));

  for (const side of sides) await warmUp(side);
  const rounds = quick ? Math.min(3, figure.rounds ?? 9) : (figure.rounds ?? 9);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { measure, rounds: most = rounds }] of sides.entries()) {
      if (measure && round < most) seen[i]?.samples.push(await measure());
    }
  }
  for (const { close } of sides) await close?.();
  return seen;
}

/**
 * Measures a round of Lockstep's side whenever the runner says so (turns.js), until that
 * disconnects.
 * @param {string} name
 */
async function measureInTurns(name) {
  const { sides } = await sidesOf(name);
  const side = sides.find(({ name }) => name === OURS);
  const measure = side?.measure;
  if (!measure) throw new Error(`the row "${name}" has no side of Lockstep's to measure`);
  await warmUp(side);
  process.on('message', async () => process.send?.(await measure()));
  process.once('disconnect', async () => {
    for (const { close } of sides) await close?.();
  });
  process.send?.('ready');
}

const [, program, name = '', how] = process.argv;
if (program === import.meta.filename && how === 'turns') {
  await measureInTurns(name);
} else if (program === import.meta.filename) {
  const seen = await measureRow(name, how === 'quick');
  process.send?.(seen, () => process.disconnect());
}
