/** `lockstep ls`: the shared objects of all namespaces. */

import { findStuck } from '../inspect/findings.ts';
import type { NamespaceSnapshot, ObjectSnapshot } from '../inspect/types.ts';
import { count, duration, visible } from '../inspect/words.ts';
import { FINE, STUCK } from './exit-codes.ts';
import type { LookOptions } from './looks.ts';
import { look, problemLines, show, shownName, writeJson } from './looks.ts';
import { stateText } from './object-text.ts';
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
  { title: 'NAMESPACE' },
  { title: 'OBJECT' },
  { title: 'STATE' },
  { title: 'WAIT', right: true },
  { title: 'LONGEST', right: true },
];

export async function ls(options: ListOptions): Promise<number> {
  let code = FINE;
  const text = (): string => {
    const snapshot = look(options);
    const { findings } = findStuck(snapshot);
    code = findings.length > 0 ? STUCK : FINE;
    const paint = paintFor(process.stdout);
    if (snapshot.namespaces.length === 0) return 'No namespace: no program uses Lockstep now.\n';
    const rows = snapshot.namespaces
      .filter(({ readable }) => readable)
      .flatMap((each) => rowsOf(each, options.all === true));
    const agents = snapshot.namespaces.flatMap((each) => each.agents);
    const programs = new Set(agents.map(({ pid }) => pid)).size;
    const keep = findings.length === 1 ? '1 thing keeps' : `${findings.length} things keep`;
    const stuck = findings.length === 0 ? '' : paint.bad(` ${keep} others waiting: lockstep why`);
    const totals =
      `${count(snapshot.namespaces.length, 'namespace')}, ${count(agents.length, 'agent')} in ${count(programs, 'process')}.`.replace(
        'processs',
        'processes',
      );
    return `${table(COLUMNS, rows, paint)}${problemLines(snapshot, paint)}${totals}${stuck}\n`;
  };
  if (options.json === true) {
    const snapshot = look(options);
    writeJson({
      taken: snapshot.taken,
      namespaces: snapshot.namespaces.map(({ agents: _, ...rest }) => rest),
    });
    return findStuck(snapshot).findings.length > 0 ? STUCK : FINE;
  }
  await show(text, options.watch);
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
      waiting(object) > 0 ||
      object.holders.length > 0,
  );
  const rows = shown.map((object) => {
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

function partsOf(namespace: NamespaceSnapshot, { cell }: ObjectSnapshot): ObjectSnapshot[] {
  const direct = namespace.objects.filter(({ part }) => part?.of === cell);
  return direct.flatMap((each) => [each, ...partsOf(namespace, each)]);
}

function longestWaits({ agents }: NamespaceSnapshot): Map<number, number> {
  const longest = new Map<number, number>();
  for (const { waits } of agents)
    for (const { cell, lasted } of waits) longest.set(cell, Math.max(lasted, longest.get(cell) ?? 0));
  return longest;
}
