/** AdviceText: remedies for threads that keep others waiting, in words. */

import { title } from './branch-text.ts';
import type { Branch, Member, ObjectRef } from './finding-types.ts';
import { isAwaitedBy } from './members.ts';
import { debuggerText, taskText } from './pool-text.ts';
import { flatten } from './waits-behind.ts';
import type { Paint } from './words.ts';
import { listed, shortName } from './words.ts';

/**
 * Text on an event loop that awaits an object held by a thread behind it, the end of that thread,
 * or its task. Only other code of that loop can end this.
 */
export function possibleCircle(by: Member, behind: readonly Branch[]): string[] {
  const { pid, alsoAwaits } = by;
  const members = flatten(behind).map(({ member }) => member);
  const holds = (member: Member, { folder, cell }: ObjectRef): boolean =>
    member.holds.some((each) => each.folder === folder && each.cell === cell);
  const links = alsoAwaits.flatMap((awaited) => {
    const holder = members.find((member) => holds(member, awaited));
    return holder === undefined
      ? []
      : [`${shortName(holder)} holds ${title(awaited.title)}, which ${pid} awaits.`];
  });
  const child = members.find((member) => isAwaitedBy(member, by));
  if (child !== undefined) links.push(`${pid} awaits the end of ${shortName(child)}.`);
  const inPool = members.find(
    ({ work }) => work?.state === 'running' && alsoAwaits.some(({ title: awaited }) => awaited === work.pool),
  );
  if (inPool !== undefined) {
    const [task] = inPool.work!.tasks;
    links.push(
      `${pid} awaits ${title(inPool.work!.pool)}, in which ${shortName(inPool)} runs ${taskText(task!)}.`,
    );
  }
  if (links.length === 0) return [];
  return [
    ...links.map((link) => `They wait for each other: ${link}`),
    `It is a deadlock unless other code of the event loop of ${pid} releases its object, or a wait gives up.`,
  ];
}

/** Whether it awaits what it holds: then only other code of its event loop can release that. */
function awaitsItsOwn({ alsoAwaits, holds }: Member): readonly ObjectRef[] {
  return alsoAwaits.filter(({ folder, cell }) =>
    holds.some((each) => each.folder === folder && each.cell === cell),
  );
}

export function advice(by: Member, children: readonly Member[], inCircle: boolean, paint: Paint): string[] {
  const { state, pid } = by;
  if (state === 'dead') return [];
  if (state === 'stopped') return [`To let it go on: ${paint.strong(`kill -CONT ${pid}`)}`];
  const see =
    state === 'busy'
      ? [`To see what it runs: ${debuggerText(by, paint)}.`]
      : state === 'idle'
        ? idleFor(by, children, inCircle)
        : [];
  return [
    ...see,
    `To end it: ${paint.strong(`kill ${pid}`)}; its locks then pass on, with recovered = true.`,
  ];
}

/** Why an idle thread keeps what it holds. */
function idleFor(by: Member, children: readonly Member[], inCircle: boolean): string[] {
  const own = awaitsItsOwn(by);
  if (own.length > 0)
    return [
      `It awaits ${listed(own.map((each) => title(each.title)))}, which it holds itself.`,
      'It is a deadlock unless other code of its event loop releases it, or the call gives up.',
    ];
  // The text on the circle explains it.
  if (inCircle) return [];
  return [
    'Its code awaits something else (a request, a timer, a file or another promise),',
    'or it forgot to release it.',
    ...(children.length === 0
      ? []
      : [
          `If it awaits the end of ${listed(children.slice(0, 3).map(shortName))}, it is a deadlock,`,
          'unless other code of its event loop releases it, or the call gives up.',
        ]),
  ];
}

/** The command that ends orphans. */
export function orphans(members: readonly Member[], paint: Paint): string[] {
  const pids = [...new Set(members.filter(({ orphan }) => orphan).map(({ pid }) => pid))];
  if (pids.length === 0) return [];
  return [
    `To end the ${pids.length === 1 ? 'process whose parent has' : 'processes whose parents have'} ended: ${paint.strong(`kill ${pids.join(' ')}`)}`,
  ];
}
