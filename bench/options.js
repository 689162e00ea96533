// @ts-check
/**
 * The command line of the bench. Needs nothing built or installed, so that a wrong row is said at
 * once.
 */
import { parseArgs } from 'node:util';
import { figures } from './figures.js';

const USAGE = `npm run bench -- [options]

  --only ROW    this row only, or all whose names begin so (pool); may be given several times
  --json FILE   write the rows as data too
  --quick       3 rounds a row instead of 9 to 21: faster and less exact
  --list        name the rows and what each must reach
  --help`;

/** @typedef {{ rows: import('./figures.js').Figure[], json?: string, quick: boolean }} Options */

/**
 * @param {string[]} args
 * @returns {Options | undefined} undefined: answered already (--list, --help)
 */
export function parseOptions(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return undefined;
  }
  if (values.list) {
    for (const { row, title } of figures) console.log(`${row.padEnd(20)} ${title}`);
    return undefined;
  }
  const wanted = [...values.only, ...positionals].flatMap((names) => names.split(','));
  /** @param {string} row @param {string} name */
  const isMeant = (row, name) => row === name || row.startsWith(`${name}-`);
  for (const name of wanted) {
    if (!figures.some(({ row }) => isMeant(row, name))) {
      throw new RangeError(`no row "${name}"; the rows are ${figures.map(({ row }) => row).join(', ')}`);
    }
  }
  return {
    rows:
      wanted.length === 0 ? figures : figures.filter(({ row }) => wanted.some((name) => isMeant(row, name))),
    ...(values.json === undefined ? {} : { json: values.json }),
    quick: values.quick,
  };
}
