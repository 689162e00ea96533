/** BranchText: threads and the threads that they wait behind, in words. */

import type { Branch, Member, ObjectRef } from './finding-types.ts';
import type { ChildRef } from './types.ts';
import type { Paint } from './words.ts';
import { count, duration, listed, shortName, visible } from './words.ts';

/** The activity of the thread, after "and". */
export function doing(member: Member): string {
  if (isIdleWorker(member)) return 'waits for a task';
  switch (member.state) {
    case 'stopped':
      return 'is stopped (SIGSTOP)';
    case 'dead':
      return 'is dead; the next thread that looks clears up after it';
    case 'busy':
      return `is busy${ofItsEventLoop(member)}`;
    case 'idle':
      return `is idle in its event loop${ofItsEventLoop(member)}`;
    case 'alive':
      return 'waits for no shared object';
    default:
      return `${member.state === 'awaits' ? 'awaits' : 'is blocked for'} ${wanted(member)}${member.lasted === null ? '' : ` for ${duration(member.lasted)}`}`;
  }
}

/** Whether it is the worker of a pool, and waits for its next task. */
export function isIdleWorker({ work, state, alsoAwaits }: Member): boolean {
  return work?.state === 'idle' && alsoAwaits.length === 0 && (state === 'awaits' || state === 'idle');
}

function ofItsEventLoop({ alsoAwaits, alsoJoins, holds, work }: Member): string {
  const [task] = work?.tasks ?? [];
  const runs = task === undefined ? '' : `: it runs ${title(task.function)} for ${duration(task.lasted)}`;
  if (runs !== '' && alsoAwaits.length + alsoJoins.length === 0) return runs;
  if (alsoAwaits.length + alsoJoins.length === 0) return ': it waits for no shared object';
  const own = ({ folder, cell }: ObjectRef): boolean =>
    holds.some((each) => each.folder === folder && each.cell === cell);
  const awaited = alsoAwaits.map(
    (each) => `${title(each.title)}${own(each) ? ' (which it holds itself)' : ''}`,
  );
  return `, and awaits ${listed([...awaited, ...alsoJoins.map(endOf)])}`;
}

/** The object that the thread waits for. */
export function wanted({ waitsFor, joins }: Member): string {
  if (waitsFor !== null) return title(waitsFor.title);
  if (joins === null) return "something that is none of Lockstep's";
  return endOf(joins);
}

/** The end of a child, as the thing that a thread waits for. */
export function endOf({ pid, threadId }: ChildRef): string {
  return threadId === 0 ? `the end of process ${pid}` : `the end of thread ${threadId}`;
}

/** Lines of a tree of waiting threads. */
export function tree(branches: readonly Branch[], paint: Paint, what = true, before = ''): string[] {
  return branches.flatMap((branch, index) => {
    const last = index === branches.length - 1;
    const line = `${before}${last ? '`-' : '|-'} ${branchText(branch, what)}`;
    return [line, ...tree(branch.behind, paint, true, `${before}${last ? '  ' : '| '} `)];
  });
}

function branchText(branch: Branch, what: boolean): string {
  const { member, object, calls, lasted, timed } = branch;
  const how = howText(branch, what);
  const several = calls > 1 ? `, ${calls} calls` : '';
  const others = member.holds.filter((each) => each.cell !== object?.cell);
  const held = others.length === 0 ? '' : `, holds ${others.map((each) => title(each.title)).join(', ')}`;
  return `${shortName(member)}  ${duration(lasted)}  ${how}${several}${timed ? ', gives up by itself' : ''}${held}`;
}

function howText({ object, child, blocking }: Branch, what: boolean): string {
  if (!what) return blocking ? 'blocked' : 'awaits';
  if (object !== null) return `for ${title(object.title)}`;
  return `${blocking ? 'for' : 'awaits'} ${child === null ? 'its end' : endOf(child)}`;
}

/** `1 call waits, for 1.8 s`, `4 calls wait, the longest for 12.4 s`. */
export function howLong(calls: number, lasted: number, what = ''): string {
  const longest = calls === 1 ? 'for' : 'the longest for';
  return `${count(calls, 'call')} ${calls === 1 ? 'waits' : 'wait'}${what}, ${longest} ${duration(lasted)}`;
}

/** A title, without characters that could move the cursor. */
export function title(text: string): string {
  return visible(text);
}
