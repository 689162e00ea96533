/** `lockstep show`: one object, its holders and its queue. */

import { roleText } from '../inspect/decode-objects.ts';
import { programOf } from '../inspect/members.ts';
import { callsText, startText, taskText } from '../inspect/pool-text.ts';
import { readRing } from '../inspect/rings.ts';
import { readTask } from '../inspect/tasks.ts';
import type {
  AgentSnapshot,
  NamespaceSnapshot,
  ObjectSnapshot,
  PoolSnapshot,
  PoolWorkerSnapshot,
  Snapshot,
} from '../inspect/types.ts';
import { count, duration, PLAIN, visible } from '../inspect/words.ts';
import { shownName, writeJson } from './looks.ts';
import { agentText, partsOf, stateText } from './object-text.ts';
import { table } from './table.ts';

export interface Found {
  readonly object: ObjectSnapshot;
  readonly namespace: NamespaceSnapshot;
}

export function showObjects(found: readonly Found[], snapshot: Snapshot, json: boolean): void {
  if (json) writeJson({ taken: snapshot.taken, objects: factsOf(found) });
  else process.stdout.write(textOf(found));
}

/** The objects as data. */
export function factsOf(found: readonly Found[]): object[] {
  return found.map((each) => ({
    ...each.object,
    namespace: each.namespace.name,
    contents: readRing(each.namespace, each.object) ?? null,
    waiters: waitersOf(each),
  }));
}

/** The objects as text. */
export function textOf(found: readonly Found[]): string {
  return found.map(describe).join('\n');
}

function describe({ object, namespace }: Found): string {
  const lines: [string, string][] = [];
  lines.push(['state', stateText(object, namespace)]);
  if (object.part !== null) {
    const whole = namespace.objects.find(({ cell }) => cell === object.part?.of);
    if (whole !== undefined) lines.push(['is part of', whole.title]);
  }
  const open = object.openIn
    .map((slot) => namespace.agents.find((agent) => agent.slot === slot))
    .filter((agent) => agent !== undefined);
  const programs = [...new Set(open.map((agent) => `${programOf(agent) || agent.name} ${agent.pid}`))];
  lines.push([
    'open in',
    `${count(open.length, 'thread')}${programs.length === 0 ? '' : `: ${programs.slice(0, 6).join(', ')}${programs.length > 6 ? ', …' : ''}`}`,
  ]);
  if (object.kept > 0) lines.push(['lies in', `${count(object.kept, 'item')} of queues and pipes`]);
  const { recoveries } = object.state;
  if (typeof recoveries === 'number' && recoveries > 0)
    lines.push(['so far', `${count(recoveries, 'holder')} died inside`]);
  const pool = namespace.pools.find(({ cell }) => cell === object.cell);
  if (pool !== undefined && pool.calls.length > 0) lines.push(['calls', callsText(pool.calls)]);
  const queue = pool === undefined ? waitersOf({ object, namespace }) : [];
  const head = `${visible(object.title)}, namespace ${shownName(namespace)}${object.steady ? '' : ' (it is just changing)'}\n`;
  const facts = lines.map(([key, value]) => `  ${key.padEnd(10)}  ${value}\n`).join('');
  if (pool !== undefined) return head + facts + workersText(pool, namespace);
  if (queue.length === 0) return head + facts;
  const rows = queue.map(({ agent, wait, part }) => [
    String(wait.place),
    agentText(agent),
    `${wait.blocking ? 'blocked' : 'awaits'}${part === null ? '' : ` ${roleText(part)}`}${!wait.blocking && wait.calls > 1 ? `, ${wait.calls} calls` : ''}`,
    duration(wait.lasted),
    wait.timed ? 'gives up by itself' : '',
  ]);
  const listed = table(
    [
      { title: 'QUEUE', right: true },
      { title: 'WHO', least: 16 },
      { title: 'HOW' },
      { title: 'FOR', right: true },
      { title: '' },
    ],
    rows,
    PLAIN,
  );
  return `${head}${facts}${listed.replace(/^/gm, '  ').trimEnd()}\n`;
}

/** `busy`, `stopped`, `idle`, or what blocks it. */
function activityOf({ pid, tid, blocked }: AgentSnapshot, { objects }: NamespaceSnapshot): string {
  const state = readTask(pid, tid)?.state ?? '';
  if (/[Tt]/.test(state)) return 'stopped';
  if (blocked === null) return state === 'R' ? 'busy' : 'idle';
  const object = objects.find(({ cell }) => cell === blocked.cell);
  return object === undefined ? 'blocked' : `blocked: ${visible(object.title)}`;
}

/** The workers of a pool, those with the longest tasks first, and what each does. */
function workersText({ workers }: PoolSnapshot, namespace: NamespaceSnapshot): string {
  const longest = ({ tasks, startsFor }: PoolWorkerSnapshot): number => tasks[0]?.lasted ?? startsFor ?? -1;
  const rows = [...workers]
    .sort((a, b) => longest(b) - longest(a))
    .flatMap((worker): string[][] => {
      const { slot, pid, threadId, state, tasks, startsFor } = worker;
      const agent = namespace.agents.find((each) => each.slot === slot);
      const thread = threadId === 0 ? '' : `, thread ${threadId}`;
      const who = visible(`${agent?.name ?? 'not joined yet'} (${pid}${thread})`);
      if (state === 'idle') return [[who, 'waits for a task', '', '']];
      if (state === 'starting') return [[who, startText(worker), duration(startsFor ?? 0), '']];
      const how = agent === undefined ? '' : activityOf(agent, namespace);
      return tasks.map((task, at) => [
        at === 0 ? who : '',
        taskText(task),
        duration(task.lasted),
        at === 0 ? how : '',
      ]);
    });
  if (rows.length === 0) return '';
  const columns = [
    { title: 'WORKER', least: 16 },
    { title: 'TASK' },
    { title: 'FOR', right: true },
    { title: '' },
  ];
  return `${table(columns, rows, PLAIN).replace(/^/gm, '  ').trimEnd()}\n`;
}

interface Waiter {
  readonly agent: AgentSnapshot;
  readonly wait: AgentSnapshot['waits'][number];
  /** The part of the object that it waits for; `null`: the object itself. */
  readonly part: string | null;
}

/** The calls that wait for the object or its parts, in the order of their places. */
function waitersOf({ object, namespace }: Found): Waiter[] {
  return [object, ...partsOf(namespace, object)].flatMap(({ cell, part }) =>
    namespace.agents
      .filter(({ life }) => life !== 'dead')
      .flatMap((agent) =>
        agent.waits
          .filter((wait) => wait.cell === cell)
          .map((wait) => ({ agent, wait, part: cell === object.cell ? null : (part?.role ?? null) })),
      )
      .sort((a, b) => a.wait.place - b.wait.place),
  );
}
