// @ts-check
/**
 * Measures rows of several builds of the library by turns, so that whatever else the machine does
 * meets all of them alike: `--against COMMIT`, `--tune CONSTANT=VALUE,VALUE`.
 *
 * In a sitting, each build has a process of its own, which warms up. Then they measure in turn, one
 * round each, and the first of a round is another each time. The next sitting has new processes,
 * because V8 compiles the same code differently from one process to the next.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildOfCommit, buildsWith, folderOfBuilds, PRESENT } from './builds.js';
import { describeMachine, firstAllowedCpu, watchOthers } from './machine.js';
import { compilePeers } from './peers.js';
import { median, withUnit } from './run.js';

/** @typedef {import('./figures.js').Figure} Figure */
/** @typedef {import('./builds.js').Build} Build */

const MOST_MS_A_SITTING = 300_000;

/** @param {import('./options.js').Options} options */
export async function runByTurns({ rows, against, tunings, sittings, rounds }) {
  compilePeers();
  console.log(describeMachine());
  console.log(`
Builds by turns: ${sittings} sittings of ${rounds} rounds. ratio: how many times better than the present build; 1.02 is
2 % better, 0.98 is 2 % worse.`);
  if (against !== undefined) {
    await inFolder((folder) => compare([PRESENT, buildOfCommit(folder, against)], rows, sittings, rounds));
  }
  for (const { constant, values, rows } of tunings ?? []) {
    console.log(`\n${constant}`);
    await inFolder((folder) => compare(buildsWith(folder, constant, values), rows, sittings, rounds));
  }
}

/**
 * @param {(folder: string) => Promise<void>} act   gets a folder for builds, removed afterwards
 */
async function inFolder(act) {
  const folder = folderOfBuilds();
  try {
    await act(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {Build[]} builds
 * @param {Figure[]} rows
 * @param {number} sittings
 * @param {number} rounds
 */
async function compare(builds, rows, sittings, rounds) {
  for (const figure of rows) {
    console.log(`\n${figure.row}: ${figure.title}`);
    const othersShare = watchOthers();
    const seen = builds.map(() => /** @type {number[]} */ ([]));
    for (let sitting = 0; sitting < sittings; sitting++) await sit(figure, builds, rounds, seen);
    print(figure, builds, seen);
    console.log(`  other programs took ${Math.round(othersShare() * 100)} % of the machine meanwhile`);
  }
}

/**
 * @param {Figure} figure
 * @param {Build[]} builds
 * @param {number} rounds
 * @param {number[][]} seen   gets the samples of each build
 */
async function sit(figure, builds, rounds, seen) {
  const children = builds.map((build) => start(figure, build));
  const late = setTimeout(() => {
    for (const child of children) child.kill('SIGKILL');
  }, MOST_MS_A_SITTING);
  try {
    for (const child of children) await answer(child, figure);
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < builds.length; turn++) {
        const index = (round + turn) % builds.length;
        const child = /** @type {import('node:child_process').ChildProcess} */ (children[index]);
        child.send('round');
        seen[index]?.push(Number(await answer(child, figure)));
      }
    }
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
    for (const child of children)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    clearTimeout(late);
  }
}

/** @param {Figure} figure @param {Build} build */
function start(figure, { bench, environment }) {
  const command = [process.execPath, join(bench, 'row.js'), figure.row, 'turns'];
  if (figure.pinned) command.unshift('taskset', '-c', firstAllowedCpu());
  const [program = '', ...args] = command;
  return spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...environment },
  });
}

/**
 * The next message of the child.
 * @param {import('node:child_process').ChildProcess} child
 * @param {Figure} figure
 */
async function answer(child, figure) {
  const ended = new AbortController();
  const end = () => ended.abort();
  child.once('exit', end);
  try {
    const [message] = await once(child, 'message', { signal: ended.signal });
    return message;
  } catch (cause) {
    throw new Error(
      `${figure.row}: its process ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`,
      {
        cause,
      },
    );
  } finally {
    child.off('exit', end);
  }
}

/** @param {Figure} figure @param {Build[]} builds @param {number[][]} seen */
function print(figure, builds, seen) {
  const isLess = figure.better === 'less';
  const bestOf = (/** @type {number[]} */ samples) => (isLess ? Math.min(...samples) : Math.max(...samples));
  const better = (/** @type {number} */ one, /** @type {number} */ other) =>
    (isLess ? other / one : one / other).toFixed(3);
  const [present = []] = seen;
  const width = Math.max(...builds.map(({ name }) => name.length));
  for (const [index, { name }] of builds.entries()) {
    const samples = seen[index] ?? [];
    const figures = [
      `median ${withUnit(median(samples), figure.unit)}`.padEnd(19),
      `ratio ${better(median(samples), median(present))}   `,
      `best ${withUnit(bestOf(samples), figure.unit)}`.padEnd(17),
      `ratio ${better(bestOf(samples), bestOf(present))}`,
    ];
    console.log(`  ${name.padEnd(width)}  ${figures.join(' ')}`);
  }
}
