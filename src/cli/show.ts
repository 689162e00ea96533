/** `lockstep show`: one object, its holders and its queue. */

import { roleText } from '../inspect/decode-objects.ts';
import { programOf } from '../inspect/members.ts';
import { readRing } from '../inspect/rings.ts';
import type { AgentSnapshot, NamespaceSnapshot, ObjectSnapshot, Snapshot } from '../inspect/types.ts';
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
  const queue = waitersOf({ object, namespace });
  const head = `${visible(object.title)}, namespace ${shownName(namespace)}${object.steady ? '' : ' (it is just changing)'}\n`;
  const facts = lines.map(([key, value]) => `  ${key.padEnd(10)}  ${value}\n`).join('');
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
