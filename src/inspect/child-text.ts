/** ChildText: waits for the end of children, in words. */

import { activity } from './activity-text.ts';
import { nameOfRef } from './child-waits.ts';
import type { AwaitedChild, ChildWait } from './finding-types.ts';
import { debuggerText } from './pool-text.ts';
import type { Paint } from './words.ts';
import { count, duration, shortName } from './words.ts';

/** Threads that are listed, and children of each. */
const LISTED = 5;

/** The waits, after the head. */
export function tellChildren(waits: readonly ChildWait[], head: string, paint: Paint): string {
  const shown = waits.slice(0, LISTED).flatMap((each) => ['', ...lines(each, paint)]);
  const more = waits.length - LISTED;
  return [head, ...shown, ...(more > 0 ? ['', `and ${count(more, 'more thread')}: lockstep ps`] : [])].join(
    '\n',
  );
}

function lines({ by, children }: ChildWait, paint: Paint): string[] {
  const rows = children.map((child) => {
    const { member, lasted, timed } = child;
    const who = member === null ? nameOfRef(child) : `${shortName(member)}, which ${activity(member)}`;
    return `${duration(lasted)}  ${who}${timed ? '; the call gives up by itself' : ''}`;
  });
  const how = children.some(({ blocking }) => blocking) ? 'is blocked for' : 'awaits';
  const whose =
    children.length === 1 ? 'a child' : count(children.length, 'child').replace(/childs$/, 'children');
  return [
    `${paint.strong(shortName(by))} ${how} the end of ${whose}:`,
    ...rows.map((row, index) => `   ${index === rows.length - 1 ? '`-' : '|-'} ${row}`),
    ...remedies(children, paint).map((line) => `   ${line}`),
  ];
}

function remedies(children: readonly AwaitedChild[], paint: Paint): string[] {
  const inState = (state: string): AwaitedChild | undefined =>
    children.find(({ member }) => member?.state === state);
  const remedy: string[] = [];
  const stopped = inState('stopped');
  if (stopped !== undefined) remedy.push(`To let it go on: ${paint.strong(`kill -CONT ${stopped.pid}`)}`);
  const busy = inState('busy');
  const what = children.length === 1 ? 'it' : (busy?.member?.name ?? 'it');
  if (busy !== undefined) remedy.push(`To see what ${what} runs: ${debuggerText(busy, paint)}.`);
  return remedy;
}
