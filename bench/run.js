// @ts-check
/**
 * Runs the rows, each in a process of its own, and prints what was seen beside what must be
 * reached.
 */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OURS } from './figures.js';
import { describeMachine, firstAllowedCpu, watchOthers } from './machine.js';
import { compilePeers, pythonVersion } from './peers.js';

/** @typedef {import('./figures.js').Figure} Figure */
/** @typedef {import('./figures.js').Goal} Goal */
/** @typedef {import('./row.js').Seen} Seen */
/**
 * @typedef {object} Entry   one line of the data: a row against one peer, or on its own
 * @property {string} row
 * @property {string} title
 * @property {number} ours
 * @property {number | null} peer
 * @property {string | null} peerName
 * @property {string} unit
 * @property {number | null} ratio      how many times better ours is than the peer
 * @property {Goal | null} must
 * @property {Goal | null} aim
 * @property {boolean | null} mustReached
 * @property {boolean | null} aimReached
 * @property {number[]} samples         ours, in the order of the rounds
 * @property {number[]} peerSamples
 * @property {number} others            share of the machine that other programs used meanwhile, 0
 *                                      to 1
 */

const ROW_PROGRAM = fileURLToPath(new URL('row.js', import.meta.url));
const MOST_MS_A_ROW = 120_000;
/** Share of the machine in the hands of others from which on a row is called disturbed. */
const DISTURBED = 0.1;

/** @param {import('./options.js').Options} options */
export async function run({ rows, json, quick }) {
  const withoutC = compilePeers();
  console.log(describeMachine());
  if (withoutC) console.log(`Skipped: C, ${withoutC}`);
  if (pythonVersion() === undefined) console.log('Skipped: CPython, no python3 here');
  console.log(`
Median of interleaved rounds (least … most). ratio: how many times better than the peer; 3 is a third of the time or
three times the rate, 0.5 is twice the time or half the rate.`);

  /** @type {Entry[]} */
  const entries = [];
  /** @type {string[]} */
  const failed = [];
  for (const figure of rows) {
    console.log(`\n${figure.row}: ${figure.title}`);
    try {
      const othersShare = watchOthers();
      const seen = await measure(figure, quick);
      const others = othersShare();
      const found = compare(figure, seen, others);
      print(figure, seen, found);
      if (others > DISTURBED) {
        console.log(
          `  disturbed: other programs took ${Math.round(others * 100)} % of the machine meanwhile`,
        );
      }
      entries.push(...found);
    } catch (error) {
      failed.push(figure.row);
      console.log(`  not measured: ${error instanceof Error ? error.message : error}`);
    }
  }
  printSum(entries, failed);
  if (json) writeFileSync(json, `${JSON.stringify(entries, null, 2)}\n`);
  if (failed.length > 0) process.exitCode = 1;
}

/** @param {Figure} figure @param {boolean} quick @returns {Promise<Seen[]>} */
function measure(figure, quick) {
  const command = [process.execPath, ROW_PROGRAM, figure.row, ...(quick ? ['quick'] : [])];
  if (figure.pinned) {
    if (spawnSync('taskset', ['--version']).error) throw new Error('no taskset here to pin processes with');
    command.unshift('taskset', '-c', firstAllowedCpu());
  }
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const late = setTimeout(() => child.kill('SIGKILL'), MOST_MS_A_ROW);
    /** @type {Seen[] | undefined} */
    let seen;
    child.on('message', (message) => {
      seen = /** @type {Seen[]} */ (message);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(late);
      if (code === 0 && seen) resolve(seen);
      else if (signal === 'SIGKILL') reject(new Error(`no end after ${MOST_MS_A_ROW / 1e3} s`));
      else reject(new Error(`the row's process ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

/** @param {number[]} samples */
export function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** @param {Figure} figure @param {Seen[]} seen @param {number} others @returns {Entry[]} */
function compare(figure, seen, others) {
  /** @param {string | undefined} name */
  const samplesOf = (name) => seen.find((side) => side.name === name)?.samples ?? [];
  const samples = samplesOf(OURS);
  const ours = median(samples) - (figure.onTopOf ? median(samplesOf(figure.onTopOf)) : 0);
  return figure.against.flatMap(({ peer, must, aim }) => {
    const peerSamples = samplesOf(peer);
    if (peer && peerSamples.length === 0) return [];
    const theirs = median(peerSamples);
    const ratio =
      peer && peer !== figure.onTopOf ? (figure.better === 'less' ? theirs / ours : ours / theirs) : null;
    /** @param {Goal | undefined} goal */
    const reached = (goal) => (goal ? isReached(goal, ours, ratio) : null);
    return {
      row: figure.row,
      title: figure.title,
      ours,
      peer: peer ? theirs : null,
      peerName: peer ?? null,
      unit: figure.unit,
      ratio,
      must: must ?? null,
      aim: aim ?? null,
      mustReached: reached(must),
      aimReached: reached(aim),
      samples,
      peerSamples,
      others,
    };
  });
}

/** @param {Goal} goal @param {number} ours @param {number | null} ratio */
function isReached(goal, ours, ratio) {
  if ('ratio' in goal) return ratio !== null && ratio >= goal.ratio;
  return 'atMost' in goal ? ours <= goal.atMost : ours >= goal.atLeast;
}

/** @param {Figure} figure @param {Seen[]} seen @param {Entry[]} entries */
function print(figure, seen, entries) {
  for (const { name, samples, missing } of seen) {
    if (missing) {
      console.log(`  ${name.padEnd(26)} skipped: ${missing}`);
      continue;
    }
    const show = (/** @type {number} */ value) => withUnit(value, figure.unit);
    const spread =
      samples.length > 1 ? `(${show(Math.min(...samples))} … ${show(Math.max(...samples))})` : '';
    const entry = entries.find(({ peerName }) => peerName === (name === OURS ? null : name));
    const ratio = entry?.ratio ? `ratio ${twoDigits(entry.ratio)}` : '';
    const columns = [
      name.padEnd(26),
      show(median(samples)).padStart(10),
      spread.padEnd(26),
      ratio.padEnd(13),
    ];
    console.log(
      `  ${columns.join(' ')} ${name === OURS && figure.onTopOf ? '' : verdicts(figure, entry)}`.trimEnd(),
    );
  }
  if (figure.onTopOf) {
    const own = entries.find(({ peerName }) => peerName === null);
    const label = `on top of ${figure.onTopOf}`.padEnd(26);
    if (own)
      console.log(
        `  ${label} ${withUnit(own.ours, figure.unit).padStart(10)} ${' '.repeat(40)} ${verdicts(figure, own)}`,
      );
  }
}

/** @param {Figure} figure @param {Entry | undefined} entry */
function verdicts(figure, entry) {
  if (!entry) return '';
  /** @param {Goal} goal */
  const say = (goal) => {
    if ('ratio' in goal) return twoDigits(goal.ratio);
    return 'atMost' in goal
      ? `at most ${withUnit(goal.atMost, figure.unit)}`
      : `at least ${withUnit(goal.atLeast, figure.unit)}`;
  };
  const must = entry.must ? `must be ${say(entry.must)}: ${entry.mustReached ? 'reached' : 'MISSED'}` : '';
  const aim = entry.aim ? `aim ${say(entry.aim)}: ${entry.aimReached ? 'reached' : 'missed'}` : '';
  return [must, aim].filter(Boolean).join(', ');
}

/** @param {Entry[]} entries @param {string[]} failed */
function printSum(entries, failed) {
  const musts = entries.filter(({ mustReached }) => mustReached !== null);
  const aims = entries.filter(({ aimReached }) => aimReached !== null);
  const reached = musts.filter(({ mustReached }) => mustReached).length;
  const aimed = aims.filter(({ aimReached }) => aimReached).length;
  console.log(`\nmust: ${reached} of ${musts.length} reached; aim: ${aimed} of ${aims.length} reached`);
  if (failed.length > 0) console.log(`not measured: ${failed.join(', ')}`);
}

/** @param {number} value */
function twoDigits(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const TIMES = ['ns', 'us', 'ms', 's'];

/** 1500 ns is shown as 1.50 us. @param {number} value @param {string} unit */
export function withUnit(value, unit) {
  let i = TIMES.indexOf(unit);
  if (i === -1) return `${twoDigits(value)} ${unit}`;
  let scaled = value;
  while (i < TIMES.length - 1 && Math.abs(scaled) >= 1000) {
    scaled /= 1000;
    i++;
  }
  while (i > 0 && scaled !== 0 && Math.abs(scaled) < 1) {
    scaled *= 1000;
    i--;
  }
  return `${twoDigits(scaled)} ${TIMES[i]}`;
}
