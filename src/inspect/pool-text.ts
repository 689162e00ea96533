/** PoolText: pools and their tasks, in words. */

import { activity } from './activity-text.ts';
import { doing, title } from './branch-text.ts';
import type { Member, PoolMember, PoolTaskSeen, PoolWait } from './finding-types.ts';
import type { PoolCallSnapshot, TaskSnapshot, WorkSnapshot } from './types.ts';
import type { Paint } from './words.ts';
import { count, duration, listed, shortName, visible } from './words.ts';

/** Tasks of a pool, and calls, that are listed. */
const LISTED = 5;

/** The pools, after the head. */
export function tellPools(pools: readonly PoolWait[], head: string, paint: Paint): string {
  const shown = pools.slice(0, LISTED).flatMap((each) => ['', ...poolLines(each, paint)]);
  const more = pools.length - LISTED;
  return [head, ...shown, ...(more > 0 ? ['', `and ${count(more, 'more pool')}; lockstep ls`] : [])].join(
    '\n',
  );
}

function poolLines(wait: PoolWait, paint: Paint): string[] {
  const { pool, owner, tasks, starting, disabled, queued, calls } = wait;
  const all = [
    ...grouped(tasks).map(({ task, many }) => {
      const others = many > 1 ? ` and ${many - 1} more` : '';
      return `${taskText(task)}${others}  ${duration(task.lasted)}  ${inWorker(task.by)}`;
    }),
    ...starting.map((by) => `${startText(by)}  ${duration(by.startsFor ?? 0)}  ${inWorker(by)}`),
    ...(queued > 0 ? disabled.map((by) => `no task  ${inWorker(by)}`) : []),
  ];
  const rows = all.slice(0, LISTED);
  if (all.length > LISTED)
    rows.push(`and ${all.length - LISTED} more: lockstep show ${shownAs(pool.title, pool.cell)}`);
  return [
    `${paint.strong(title(pool.title))} of ${shortName(owner)}: ${amountText(wait)}.`,
    ...rows.map((row, index) => `   ${index === rows.length - 1 ? '`-' : '|-'} ${row}`),
    ...(calls.length === 0 ? [] : [`   Calls: ${callsText(calls)}.`]),
    ...advice(wait, paint).map((line) => `   ${line}`),
  ];
}

/** Tasks of one function in one worker, as one row with the longest of them. */
function grouped(tasks: readonly PoolTaskSeen[]): { task: PoolTaskSeen; many: number }[] {
  const groups = new Map<string, { task: PoolTaskSeen; many: number }>();
  for (const task of tasks) {
    const key = `${task.by.pid} ${task.by.threadId} ${taskText(task)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { task, many: 1 });
    else group.many++;
  }
  return [...groups.values()];
}

/** The word by which `lockstep show` finds the pool. */
function shownAs(text: string, cell: number): string {
  const name = /^\w+ (".*")$/.exec(text)?.[1];
  return name === undefined ? `'#${cell}'` : name;
}

/** `2 tasks run, the longest for 3.8 s; 1 waits`. */
function amountText(wait: PoolWait): string {
  const { tasks, starting, disabled, lasted, idle, queued } = wait;
  const parts: string[] = [];
  if (tasks.length > 0) {
    const longest = tasks.length === 1 ? 'for' : 'the longest for';
    parts.push(
      `${count(tasks.length, 'task')} ${tasks.length === 1 ? 'runs' : 'run'}, ${longest} ${duration(lasted)}`,
    );
  }
  if (queued > 0) {
    const waits = `${queued === 1 ? 'waits' : 'wait'}${tasks.length > 0 ? '' : ` for a worker, for ${duration(lasted)}`}`;
    parts.push(`${tasks.length > 0 ? queued : count(queued, 'task')} ${waits}`);
  }
  if (starting.length > 0)
    parts.push(`${count(starting.length, 'worker')} ${starting.length === 1 ? 'starts' : 'start'}`);
  if (idle > 0) parts.push(`${count(idle, 'worker')} ${idle === 1 ? 'is' : 'are'} idle`);
  if (tasks.length + starting.length + disabled.length + idle === 0) parts.push('it has no worker');
  return parts.join('; ');
}

/** `resize`; `resize, asked to stop`. */
export function taskText({ function: name, aborting }: TaskSnapshot): string {
  return `${name === '' ? 'a function' : visible(name)}${aborting ? ', asked to stop' : ''}`;
}

/** The activity of a worker before its first task. */
export function startText({ initializer }: WorkSnapshot): string {
  return initializer === null ? 'starting' : `initializer ${visible(initializer)}`;
}

function inWorker({ member, pid, threadId }: PoolMember): string {
  if (member !== null) return `in ${shortName({ ...member, program: '' })}, which ${activity(member)}`;
  return threadId === 0 ? `in process ${pid}` : `in thread ${threadId} of process ${pid}`;
}

/** `map of resize, 3 of 100 items done`. */
export function callsText(calls: readonly PoolCallSnapshot[]): string {
  const texts = calls.slice(0, LISTED).map(({ what, function: name, total, done }) => {
    const of = name === '' ? '' : ` of ${visible(name)}`;
    if (what === 'stream') return `stream${of}, ${count(done, 'value')} so far`;
    return `${what}${of}, ${total === null ? `${count(done, 'item')} done` : `${done} of ${count(total, 'item')} done`}`;
  });
  const more = calls.length - LISTED;
  return listed(more > 0 ? [...texts, `${more} more`] : texts);
}

/** Remedies for the pool's threads. */
function advice({ owner, tasks, starting, disabled, queued }: PoolWait, paint: Paint): string[] {
  const by = [...tasks.map((task) => task.by), ...starting, ...(queued > 0 ? disabled : [])];
  const inState = (state: Member['state']): PoolMember | undefined =>
    by.find(({ member }) => member?.state === state);
  const lines: string[] = [];
  const stopped = inState('stopped');
  if (stopped !== undefined) lines.push(`To let it go on: ${paint.strong(`kill -CONT ${stopped.pid}`)}`);
  const busy = inState('busy');
  if (busy !== undefined) lines.push(`To see what ${pronoun(busy, by)} runs: ${debuggerText(busy, paint)}.`);
  if (inState('idle') !== undefined)
    lines.push('Where a worker is idle, its code awaits something: a request, a timer, a file or a promise.');
  if (queued > 0 && tasks.length === 0 && owner.state !== 'idle' && owner.state !== 'awaits')
    lines.push(`Its own thread ${doing(owner)}; it hands out tasks only while its event loop runs.`);
  return lines;
}

/** `it` where there is only one worker. */
function pronoun({ member, pid }: PoolMember, by: readonly PoolMember[]): string {
  if (by.every((each) => each.pid === pid && each.threadId === by[0]!.threadId)) return 'it';
  return member === null ? `process ${pid}` : visible(member.name);
}

/** The command that shows what a busy thread runs. */
export function debuggerText({ pid, threadId }: { pid: number; threadId: number }, paint: Paint): string {
  return threadId === 0
    ? `${paint.strong(`node inspect -p ${pid}`)}, then pause and bt`
    : `${paint.strong(`kill -USR1 ${pid}`)}, then chrome://inspect in Chrome, which lists its threads`;
}
