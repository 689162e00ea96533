// @ts-check
/**
 * The command line of the bench. Needs nothing built or installed, so that a wrong row is said at
 * once.
 */
import { parseArgs } from 'node:util';
import { figures } from './figures.js';
import { listedTunings } from './tuning.js';

/** The rows that compare builds unless others are named. */
const AGAINST = ['uncontended', 'contended-2', 'queue-objects', 'queue-trip-blocking', 'queue-trip-awaiting'];

const USAGE = `npm run bench -- [options]

  --only ROW    this row only, or all whose names begin so (pool); may be given several times
  --json FILE   write the rows as data too
  --quick       3 rounds a row instead of 9 to 21: faster and less exact
  --against COMMIT             measures the present build and that of the commit by turns, without peers;
                               without --only: ${AGAINST.join(', ')}
  --tune CONSTANT=VALUE,VALUE  the same for builds with those values of a constant; needs --only
  --tune CONSTANT              the same with the values and the row that docs/internals/tuning.md names;
                               \`all\`: for every constant of that page
  --sittings N  of --against and --tune: fresh processes so many times (3)
  --rounds N    of the same: rounds of each process (7)
  --list        name the rows and what each must reach
  --help`;

/**
 * @typedef {object} Options
 * @property {import('./figures.js').Figure[]} rows
 * @property {string} [json]
 * @property {boolean} quick
 * @property {string} [against]
 * @property {(Omit<import('./tuning.js').Tuning, 'row'> & Pick<Options, 'rows'>)[]} [tunings]
 * @property {number} sittings
 * @property {number} rounds
 */

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
      against: { type: 'string' },
      tune: { type: 'string' },
      sittings: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '7' },
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
  const { against, tune } = values;
  const named = [...values.only, ...positionals].flatMap((names) => names.split(','));
  const wanted = named.length === 0 && against !== undefined ? AGAINST : named;
  /** @param {string} row @param {string} name */
  const isMeant = (row, name) => row === name || row.startsWith(`${name}-`);
  for (const name of wanted) {
    if (!figures.some(({ row }) => isMeant(row, name))) {
      throw new RangeError(`no row "${name}"; the rows are ${figures.map(({ row }) => row).join(', ')}`);
    }
  }
  const rows =
    wanted.length === 0 ? figures : figures.filter(({ row }) => wanted.some((name) => isMeant(row, name)));
  return {
    rows,
    ...(values.json === undefined ? {} : { json: values.json }),
    quick: values.quick,
    ...(against === undefined ? {} : { against }),
    ...(tune === undefined ? {} : { tunings: tuningsFor(tune, named.length === 0 ? undefined : rows) }),
    sittings: countOf('--sittings', values.sittings),
    rounds: countOf('--rounds', values.rounds),
  };
}

/**
 * @param {string} given
 * @param {import('./figures.js').Figure[] | undefined} rows   the rows that were named
 */
function tuningsFor(given, rows) {
  const [, constant, values] = /^([\w/:-]+)=(.+)$/.exec(given) ?? [];
  if (constant !== undefined && values !== undefined) {
    if (rows === undefined) throw new RangeError('--tune with values needs --only, the rows to measure');
    return [{ constant, values: values.split(','), rows }];
  }
  const listed = listedTunings().filter(
    (tuning) => given === 'all' || [tuning.constant, tuning.constant.split(':')[1]].includes(given),
  );
  if (listed.length === 0) {
    throw new RangeError(
      `docs/internals/tuning.md lists no values to try for ${given}; write ${given}=VALUE,VALUE`,
    );
  }
  return listed.map((tuning) => ({
    ...tuning,
    rows: rows ?? figures.filter(({ row }) => row === tuning.row),
  }));
}

/** @param {string} option @param {string} given */
function countOf(option, given) {
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`${option} is "${given}"; pass a whole number >= 1`);
  return count;
}
