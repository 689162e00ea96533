/** OpenText: waits that a thread may still end, in words. */

import { doing, title, tree } from './branch-text.ts';
import type { Member, OpenWait } from './finding-types.ts';
import { count, duration, PLAIN, shortName } from './words.ts';

/** The activity of a thread that holds up no lock. */
function activity(member: Member): string {
  if (member.state === 'busy') return 'is busy';
  return member.state === 'idle' ? 'sleeps in its event loop' : doing(member);
}

/** How many waits, and how many threads of each, are listed. */
const LISTED = 5;

/** Waits that a thread may still end, and the threads that could end them. */
export function tellOpen(open: readonly OpenWait[]): string {
  const lines = [
    'These calls wait for something that a thread can still do.',
    'If it never will, this is why they hang:',
  ];
  for (const each of open.slice(0, LISTED)) lines.push('', ...openLines(each));
  if (open.length > LISTED)
    lines.push('', `and ${count(open.length - LISTED, 'more object')}; lockstep ls -a`);
  return lines.join('\n');
}

function openLines(wait: OpenWait): string[] {
  const { object, ending, named, heldByItself, waiters, openIn, calls, lasted } = wait;
  const shown = waiters.slice(0, LISTED);
  const more = waiters.length > LISTED ? [`   and ${waiters.length - LISTED} more`] : [];
  const could = openIn
    .slice(0, LISTED)
    .map((member) => `   Also open in ${shortName(member)}, which ${activity(member)}.`);
  const rest = openIn.length > LISTED ? [`   Also open in ${openIn.length - LISTED} more.`] : [];
  const own = ['   The thread that awaits it holds it: other code of its event loop has to release it.'];
  const nobody = [
    named
      ? '   No other thread has it open; a program that opens it by its name could still do it.'
      : '   No other thread has it open; a thread that finds it in a message could still do it.',
  ];
  return [
    `${title(object.title)}: ${count(calls, 'call')} ${calls === 1 ? 'waits' : 'wait'}, the longest for ${duration(lasted)}, for a thread to ${ending} it.`,
    ...tree(shown, PLAIN, false, '   '),
    ...more,
    ...(heldByItself ? own : openIn.length === 0 ? nobody : [...could, ...rest]),
  ];
}
