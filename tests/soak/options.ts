/** The options of the command line. */

import { parseArgs } from 'node:util';

export interface SoakOptions {
  minutes: number;
  seed: number;
}

const USAGE = `npm run soak -- [--minutes <number>] [--seed <whole number>]

  --minutes   how long members work and die; 10 by default
  --seed      repeats the choices of an earlier run; a new one by default
  --help      prints this`;

/** Largest seed: a 32-bit integer without its sign. */
const MAX_SEED = 0x7fffffff;

/** The options; `string`: what to print instead of running. Throws with a word on what is wrong. */
export function parseOptions(args: readonly string[]): SoakOptions | string {
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } },
    strict: true,
  });
  if (values.help === true) return USAGE;
  const minutes = numberOf('minutes', values.minutes) ?? 10;
  if (!(minutes > 0 && minutes <= 10_000)) {
    throw new RangeError(
      `--minutes ${values.minutes}: refused, it is not between 0 and 10,000; pass e.g. 10`,
    );
  }
  const seed = numberOf('seed', values.seed) ?? Date.now() & MAX_SEED;
  if (!Number.isInteger(seed) || seed < 0 || seed > MAX_SEED) {
    throw new RangeError(`--seed ${values.seed}: refused, it is no whole number from 0 to ${MAX_SEED}`);
  }
  return { minutes, seed };
}

function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(number)) return number;
  throw new RangeError(
    `--${option} ${JSON.stringify(text)}: refused, it is not a number; pass e.g. --${option} 10`,
  );
}
