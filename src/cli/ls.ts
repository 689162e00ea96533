/** `lockstep ls`: the shared objects of all namespaces. */

import { findStuck } from '../inspect/findings.ts';
import type { NamespaceSnapshot, ObjectSnapshot, Snapshot } from '../inspect/types.ts';
import { count, duration, visible } from '../inspect/words.ts';
import { FINE, STUCK, UNREADABLE } from './exit-codes.ts';
import type { LookOptions } from './looks.ts';
import { isMissing, look, nobodyText, problemLines, show, shownName, writeJson } from './looks.ts';
import { partsOf, stateText } from './object-text.ts';
import { table } from './table.ts';
import { paintFor } from './terminal.ts';

export interface ListOptions extends LookOptions {
  readonly all?: boolean | undefined;
  readonly watch?: boolean | undefined;
  /** The address of a server of the cluster, whose objects are listed instead. */
  readonly redis?: string | undefined;
  readonly postgres?: string | undefined;
}

const COLUMNS = [
  { title: 'NAMESPACE', least: 6, yields: true, spare: 1 },
  { title: 'OBJECT' },
  { title: 'STATE', least: 24 },
  { title: 'WAIT', right: true },
  { title: 'LONGEST', right: true },
];

export async function ls(options: ListOptions): Promise<number> {
  let code = FINE;
  const text = (snapshot: Snapshot): string => {
    const { findings } = findStuck(snapshot);
    code = findings.length > 0 ? STUCK : FINE;
    const paint = paintFor(process.stdout);
    if (snapshot.namespaces.length === 0) return nobodyText(options);
    const rows = snapshot.namespaces
      .filter(({ readable }) => readable)
      .flatMap((each) => rowsOf(each, options.all === true));
    const agents = snapshot.namespaces.flatMap((each) => each.agents);
    const programs = new Set(agents.map(({ pid }) => pid)).size;
    // A thread has an agent in each namespace.
    const threads = new Set(agents.map(({ pid, threadId }) => `${pid} ${threadId}`)).size;
    const keep = findings.length === 1 ? '1 thing keeps' : `${findings.length} things keep`;
    const stuck = findings.length === 0 ? '' : paint.bad(` ${keep} others waiting: lockstep why`);
    const totals =
      `${count(snapshot.namespaces.length, 'namespace')}, ${count(threads, 'thread')} in ${count(programs, 'process')}.`.replace(
        'processs',
        'processes',
      );
    return `${rows.length === 0 ? '' : table(COLUMNS, rows, paint)}${problemLines(snapshot, paint)}${totals}${stuck}\n`;
  };
  const first = look(options);
  if (isMissing(options, first)) return UNREADABLE;
  if (options.json === true) {
    writeJson({
      taken: first.taken,
      namespaces: first.namespaces.map(({ agents: _, ...rest }) => rest),
    });
    return findStuck(first).findings.length > 0 ? STUCK : FINE;
  }
  await show((again) => text(again ? look(options) : first), options.watch);
  return code;
}

function rowsOf(namespace: NamespaceSnapshot, all: boolean): string[][] {
  const told = shownName(namespace);
  const longest = longestWaits(namespace);
  // The parts of a queue and of guarded data are shown with the whole.
  const whole = namespace.objects.filter(({ part }) => all || part === null);
  const waiting = (object: ObjectSnapshot): number =>
    object.waiting + partsOf(namespace, object).reduce((sum, part) => sum + part.waiting, 0);
  const shown = whole.filter(
    (object) =>
      all ||
      object.name !== null ||
      object.label !== null ||
      Number(object.state.running) + Number(object.state.queued) > 0 ||
      waiting(object) > 0 ||
      object.holders.length > 0,
  );
  const rows = shown.map((object) => {
    const pool = namespace.pools.find(({ cell }) => cell === object.cell);
    if (pool !== undefined) {
      const lasted = Math.max(0, ...pool.workers.map(({ tasks }) => tasks[0]?.lasted ?? 0));
      return [
        told,
        visible(object.title),
        stateText(object, namespace),
        '',
        lasted === 0 ? '' : duration(lasted),
      ];
    }
    const calls = waiting(object);
    const lasted = Math.max(
      0,
      ...[object, ...partsOf(namespace, object)].map(({ cell }) => longest.get(cell) ?? 0),
    );
    return [
      told,
      visible(object.title),
      stateText(object, namespace),
      calls === 0 ? '' : String(calls),
      calls === 0 ? '' : duration(lasted),
    ];
  });
  const left = whole.length - shown.length;
  if (left > 0) rows.push([told, `${count(left, 'object')} without a name, not waited for`, '', '', '']);
  return rows.map((row, index) => (index === 0 ? row : ['', ...row.slice(1)]));
}

function longestWaits({ agents }: NamespaceSnapshot): Map<number, number> {
  const longest = new Map<number, number>();
  for (const { waits } of agents.filter(({ life }) => life !== 'dead'))
    for (const { cell, lasted } of waits) longest.set(cell, Math.max(lasted, longest.get(cell) ?? 0));
  return longest;
}
