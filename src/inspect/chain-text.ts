/** ChainText: a chain of waits, in words. */

import { doing, title, wanted } from './branch-text.ts';
import type { Member } from './finding-types.ts';
import { isAwaitedBy } from './members.ts';
import type { Paint } from './words.ts';
import { duration, fullName, PLAIN } from './words.ts';

/** A chain of waits, from the thread that was asked for to the one that keeps all waiting. */
export function explainChain(chain: readonly Member[], paint: Paint = PLAIN): string {
  const [first, ...rest] = chain;
  if (first === undefined) return '';
  const lines = [`${paint.strong(fullName(first))} ${state(first)}.`];
  let indent = '';
  for (const [index, member] of rest.entries()) {
    const before = index === 0 ? first : rest[index - 1]!;
    const back = index === rest.length - 1 && [first, ...rest.slice(0, -1)].some((each) => each === member);
    const link = linkTo(before, member);
    lines.push(`${indent}\`- ${link} ${fullName(member)}${back ? paint.bad(circle(chain)) : ','}`);
    indent += '   ';
    if (!back) lines.push(`${indent}which ${state(member)}.`);
  }
  return `${lines.join('\n')}\n`;
}

/** How the thread is linked with the one that waits behind it. */
function linkTo(before: Member, member: Member): string {
  const { waitsFor, joins, alsoAwaits } = before;
  const { holds } = member;
  if (waitsFor !== null) return 'held by';
  if (joins !== null) return 'that is';
  const held = alsoAwaits.find(({ folder, cell }) =>
    holds.some((each) => each.folder === folder && each.cell === cell),
  );
  if (held === undefined && isAwaitedBy(member, before)) return 'that is';
  return held === undefined ? 'held by' : `${title(held.title)} is held by`;
}

/** An event loop that only awaits may do other things, and so open the circle. */
function circle(chain: readonly Member[]): string {
  const members = chain.slice(chain.indexOf(chain.at(-1)!));
  const isOpen = members.some(({ waitsFor, joins }) => waitsFor === null && joins === null);
  return isOpen
    ? ': a circle, unless other code of an event loop releases its object, or a wait gives up'
    : ': a circle, they wait for each other';
}

function state(member: Member): string {
  const { waitsFor, joins, lasted, timed } = member;
  if (waitsFor === null && joins === null) return doing(member);
  const how =
    member.state === 'awaits'
      ? 'has been awaiting'
      : member.state === 'stopped'
        ? 'is stopped, and has been blocked'
        : 'has been blocked';
  const since = lasted === null ? '' : ` for ${duration(lasted)}`;
  return `${how}${since}: it waits for ${wanted(member)}${timed ? ', and gives up by itself' : ''}`;
}
