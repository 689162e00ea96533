/** `lockstep ps`: the threads that take part, and the activity of each. */

import { endOf } from '../inspect/branch-text.ts';
import { memberFor } from '../inspect/child-waits.ts';
import { findStuck } from '../inspect/findings.ts';
import { programOf } from '../inspect/members.ts';
import { startText, taskText } from '../inspect/pool-text.ts';
import { POOL_ROLES } from '../inspect/pools.ts';
import { readTask } from '../inspect/tasks.ts';
import type {
  AgentSnapshot,
  ChildSnapshot,
  NamespaceSnapshot,
  Snapshot,
  WorkSnapshot,
} from '../inspect/types.ts';
import { duration, visible } from '../inspect/words.ts';
import { FINE, STUCK, UNREADABLE } from './exit-codes.ts';
import { isMissing, look, nobodyText, problemLines, show, shownName, writeJson } from './looks.ts';
import type { ListOptions } from './ls.ts';
import { table } from './table.ts';
import { paintFor } from './terminal.ts';

const COLUMNS = [
  { title: 'PID', right: true },
  { title: 'THREAD', right: true, spare: 2 },
  { title: 'NAME', wants: 14 },
  { title: 'PROGRAM', least: 6, wants: 10, yields: true, spare: 3 },
  { title: 'NAMESPACE', least: 6, wants: 12, yields: true, spare: 1 },
  { title: 'STATE', least: 20, wants: 36 },
  { title: 'FOR', right: true },
  { title: 'HOLDS' },
];

export async function ps(options: ListOptions): Promise<number> {
  let code = FINE;
  const text = (snapshot: Snapshot): string => {
    code = findStuck(snapshot).findings.length > 0 ? STUCK : FINE;
    const paint = paintFor(process.stdout);
    const rows = snapshot.namespaces.flatMap((namespace) =>
      namespace.agents.map((agent) => rowOf(agent, namespace)),
    );
    rows.push(
      ...snapshot.namespaces.flatMap((namespace) =>
        namespace.children.map((child) => rowOfChild(child, namespace)),
      ),
    );
    if (rows.length === 0) return problemLines(snapshot, paint) + nobodyText(options);
    rows.sort((a, b) => Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1]));
    return table(COLUMNS, rows, paint) + problemLines(snapshot, paint);
  };
  const first = look(options);
  if (isMissing(options, first)) return UNREADABLE;
  if (options.json === true) {
    writeJson({
      taken: first.taken,
      namespaces: first.namespaces.map(({ objects: _, ...rest }) => rest),
    });
    return findStuck(first).findings.length > 0 ? STUCK : FINE;
  }
  await show((again) => text(again ? look(options) : first), options.watch);
  return code;
}

function rowOf(agent: AgentSnapshot, namespace: NamespaceSnapshot): string[] {
  const [state, lasted] = stateOf(agent, namespace);
  const holds = namespace.objects
    .filter(({ holders }) => holders.some(({ slot }) => slot === agent.slot))
    .map(({ title, holders }) => {
      const { count } = holders.find(({ slot }) => slot === agent.slot)!;
      return count > 1 ? `${title}, ${count}` : title;
    });
  return [
    String(agent.pid),
    agent.threadId === 0 ? '-' : String(agent.threadId),
    visible(agent.name),
    visible(programOf(agent)),
    shownName(namespace),
    state,
    lasted === null ? '' : duration(lasted),
    visible(`${holds.slice(0, 3).join(', ')}${holds.length > 3 ? ', …' : ''}`),
  ];
}

function rowOfChild(child: ChildSnapshot, namespace: NamespaceSnapshot): string[] {
  const { pid, name, program, state } = memberFor(child);
  return [String(pid), '-', visible(name), visible(program), shownName(namespace), state, '', ''];
}

function stateOf(
  agent: AgentSnapshot,
  { objects }: NamespaceSnapshot,
): [state: string, lasted: number | null] {
  if (agent.life === 'dead') return ['dead, not yet cleared up', null];
  const isBed = (cell: number): boolean =>
    objects.find((object) => object.cell === cell)?.part?.role === POOL_ROLES.BED;
  const titleOf = (cell: number): string =>
    visible(objects.find((object) => object.cell === cell)?.title ?? `#${cell}`);
  const task = readTask(agent.pid, agent.tid);
  const orphan = agent.orphan ? 'orphan, ' : '';
  const stopped = task?.state === 'T' || task?.state === 't';
  const { blocked, ends, work } = agent;
  // The worker of a pool always listens for tasks.
  const waits = agent.waits.filter(({ cell }) => !isBed(cell));
  const runs = work === null ? '' : worksOn(work);
  const how = `${orphan}${stopped ? 'stopped, ' : ''}${runs === '' ? '' : `${runs}, `}`;
  const [wait] = blocked?.cell ? waits.filter(({ cell }) => cell === blocked.cell) : waits;
  if (blocked !== null) {
    if (blocked.joins !== null) return [`${how}blocked: ${endOf(blocked.joins)}`, blocked.lasted];
    if (wait !== undefined) return [`${how}blocked: ${titleOf(wait.cell)}`, wait.lasted];
    return [`${how}blocked: elsewhere`, blocked.lasted];
  }
  if (wait !== undefined) {
    const others = waits.length + ends.length - 1;
    const more = others > 0 ? ` and ${others} more` : wait.calls > 1 ? ` x${wait.calls}` : '';
    return [`${how}awaits: ${titleOf(wait.cell)}${more}`, wait.lasted];
  }
  const [end] = ends;
  if (end !== undefined) {
    const more = ends.length > 1 ? ` and ${ends.length - 1} more` : '';
    return [`${how}awaits: ${endOf(end)}${more}`, end.lasted];
  }
  const activity = stopped ? 'stopped' : task === undefined ? 'alive' : task.state === 'R' ? 'busy' : 'idle';
  if (work?.state === 'idle') return [`${orphan}${stopped ? 'stopped, ' : ''}waits for a task`, null];
  if (work !== null) return [`${orphan}${runs}, ${activity}`, work.tasks[0]?.lasted ?? work.startsFor];
  return [`${orphan}${activity}`, null];
}

/** `runs resize and 3 more`, `initializer connect`; empty while it waits for a task. */
function worksOn(work: WorkSnapshot): string {
  const [task, ...others] = work.tasks;
  if (task !== undefined)
    return `runs ${taskText(task)}${others.length === 0 ? '' : ` and ${others.length} more`}`;
  return work.state === 'idle' ? '' : startText(work);
}
