/** Option checks: numbers that are options of pools and their calls. */

import { inspect } from 'node:util';
import { InvalidTypeError, OutOfRangeError } from '../errors.ts';

/** The largest whole number of an option. */
export const MOST: number = 2 ** 31 - 1;

export function checkWhole(title: string, what: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') {
    throw new InvalidTypeError(
      `${title}: refused, ${what} is ${inspect(value)}; pass a whole number from ${least} on`,
    );
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new OutOfRangeError(
      `${title}: refused, ${what} is ${value}; pass a whole number from ${least} to ${most}`,
    );
  }
  return value;
}

export function checkTime(title: string, what: string, value: unknown, unit = 'milliseconds'): number {
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw new InvalidTypeError(`${title}: refused, ${what} is ${inspect(value)}; pass a number of ${unit}`);
  }
  if (value < 0) {
    throw new OutOfRangeError(`${title}: refused, ${what} is ${value}; pass a number of ${unit} from 0 on`);
  }
  return value;
}
