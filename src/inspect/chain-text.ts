/** ChainText: a chain of waits, in words. */

import { doing, wanted } from './branch-text.ts';
import type { Member } from './finding-types.ts';
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
    const link = before.waitsFor === null ? 'that is' : 'held by';
    lines.push(
      `${indent}\`- ${link} ${fullName(member)}${back ? paint.bad(': a circle, they wait for each other') : ','}`,
    );
    indent += '   ';
    if (!back) lines.push(`${indent}which ${state(member)}.`);
  }
  return `${lines.join('\n')}\n`;
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
