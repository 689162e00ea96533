/** Outcome: the output of a run. */

import type { Tally } from './supervisor.ts';

export interface Outcome {
  tally: Tally;
  seed: number;
  /** Files that were left in the folder. */
  left: string[];
  orphans: string[];
  violations: string[];
}

const DETAILS = 20;

function counted(count: number): string {
  return count.toLocaleString('en');
}

/** The progress, in one line. */
export function lineOf(tally: Tally): string {
  const { seconds, operations, kills, stops, rests, recoveries, longestWait, violations } = tally;
  const all = operations.reduce((sum, { count }) => sum + count, 0);
  return (
    `${Math.round(seconds)} s: ${counted(all)} operations, ${kills} kills, ${stops} stops, ${rests} rests, ` +
    `${recoveries} recoveries, longest wait ${longestWait} ms, ${violations} violations`
  );
}

/** The outcome as a table, and every violation with its details. */
export function tableOf({ tally, seed, left, orphans, violations }: Outcome): string {
  const rows: [string, string][] = [
    ['seed', String(seed)],
    ['seconds', tally.seconds.toFixed(1)],
    ...tally.operations.map(({ act, count }): [string, string] => [`operations: ${act}`, counted(count)]),
    ...tally.rows,
    ['kills', counted(tally.kills)],
    ['stops', counted(tally.stops)],
    ['rests', counted(tally.rests)],
    ['recoveries seen', counted(tally.recoveries)],
    ['longest wait, ms', counted(tally.longestWait)],
    ['violations', counted(violations.length)],
    ['files left', counted(left.length)],
    ['orphan processes', counted(orphans.length)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  const more = violations.length > DETAILS ? [`… and ${violations.length - DETAILS} more violations`] : [];
  return [
    ...table,
    ...violations.slice(0, DETAILS).map((violation) => `violation: ${violation}`),
    ...more,
    ...left.map((file) => `left: ${file}`),
    ...orphans.map((orphan) => `orphan: ${orphan}`),
  ].join('\n');
}
