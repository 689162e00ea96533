/** OpenText: waits that a thread may still end, in words. */

import { activity } from './activity-text.ts';
import { howLong, title, tree } from './branch-text.ts';
import type { OpenWait } from './finding-types.ts';
import { count, PLAIN, shortName } from './words.ts';

/** How many waits, and how many threads of each, are listed. */
const LISTED = 5;

/** Waits that a thread may still end, and the threads that could end them, after the head. */
export function tellOpen(open: readonly OpenWait[], head: string): string {
  const lines = [head];
  for (const each of open.slice(0, LISTED)) lines.push('', ...openLines(each));
  if (open.length > LISTED)
    lines.push('', `and ${count(open.length - LISTED, 'more object')}; lockstep ls -a`);
  return lines.join('\n');
}

function openLines(wait: OpenWait): string[] {
  const { ending, named, heldByItself, waiters, openIn } = wait;
  const shown = waiters.slice(0, LISTED);
  const more = waiters.length > LISTED ? [`   and ${waiters.length - LISTED} more`] : [];
  const could = openIn
    .slice(0, LISTED)
    .map((member) => `   Could still ${doTo(ending)}: ${shortName(member)}, which ${activity(member)}.`);
  const rest =
    openIn.length > LISTED
      ? [`   Could still ${doTo(ending)}: ${count(openIn.length - LISTED, 'more thread')}.`]
      : [];
  const own = [
    '   The thread that awaits it holds it itself.',
    '   It is a deadlock unless other code of its event loop releases it, or the call gives up.',
  ];
  const nobody = [
    named
      ? '   No other thread has it open; a program that opens it by its name could still do it.'
      : '   No other thread has it open; a thread that finds it in a message could still do it.',
  ];
  return [
    headOf(wait),
    ...tree(shown, PLAIN, false, '   '),
    ...more,
    ...(heldByItself ? own : openIn.length === 0 ? nobody : [...could, ...rest]),
  ];
}

/** The object, its calls, and what would end their waits. */
function headOf({ object, ending, state, calls, lasted }: OpenWait): string {
  const name = title(object.title);
  const come = comeText(state);
  return come === ''
    ? `${name}: ${howLong(calls, lasted, ` for a thread to ${doTo(ending)}`)}.`
    : `${name}: ${howLong(calls, lasted)}. ${come}`;
}

/** How many threads have come to a barrier; empty for other objects. */
export function comeText({ arrived, parties }: OpenWait['state']): string {
  if (typeof arrived !== 'number' || typeof parties !== 'number') return '';
  const missing = Math.max(0, parties - arrived);
  return `${arrived} of ${parties} have come; ${missing} more ${missing === 1 ? 'is' : 'are'} missing.`;
}

/** The act that ends a wait, done to "it". */
function doTo(ending: string): string {
  if (ending === 'count down') return 'count it down';
  if (ending === 'finish a task of') return 'finish a task';
  return ending === 'mark items done in' ? 'mark its items done' : `${ending} it`;
}
