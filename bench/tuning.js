// @ts-check
/** The tuning constants as docs/internals/tuning.md lists them: values to try, and the row. */
import { readFileSync } from 'node:fs';

/**
 * @typedef {object} Tuning
 * @property {string} constant   as `codec/encoder:SHORT`
 * @property {string[]} values   other values to try
 * @property {string} row        of the bench
 */

const PAGE = new URL('../docs/internals/tuning.md', import.meta.url);

/** All constants of the page that a row of the bench measures. @returns {Tuning[]} */
export function listedTunings() {
  return readFileSync(PAGE, 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .flatMap(([, name, file, , , row = '', tried = '']) => {
      const path = /^src\/(.+)\.ts$/.exec(file ?? '')?.[1];
      if (path === undefined || !/^\S/.test(tried) || row === 'none') return [];
      return [{ constant: `${path}:${name}`, values: tried.split(/, */), row }];
    });
}
