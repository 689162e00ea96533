/** StacksText: the stacks that threads have written down, as text. */

import type { CallStack, ThreadStacks } from './asking.ts';
import { endOf } from './branch-text.ts';
import type { Paint } from './words.ts';
import { duration, listed, PLAIN, shortName, visible } from './words.ts';

/** The answers of threads that were asked for their stacks, a paragraph each. */
export function explainStacks(stacks: readonly ThreadStacks[], paint: Paint = PLAIN): string {
  return stacks.map((each) => `${paragraph(each, paint).join('\n')}\n`).join('\n');
}

function paragraph(thread: ThreadStacks, paint: Paint): string[] {
  const { member, stack, calls, more, taken } = thread;
  const name = paint.strong(shortName(member));
  const lines = [`${name} ${headOf(thread)}`];
  if (stack !== null && stack !== '') lines.push(...frames(stack));
  for (const call of calls) lines.push(...begun(call));
  if (more > 0) lines.push(`   and ${more} more`);
  for (const { title, stack: where } of taken)
    lines.push(`   took ${visible(title)} here:`, ...frames(where));
  return lines;
}

function headOf(thread: ThreadStacks): string {
  const { member, answered, stack, calls } = thread;
  if (!answered) return unanswered(thread);
  if (stack === null) {
    const loop = member.state === 'busy' ? 'runs its event loop' : 'is idle in its event loop';
    return calls.length === 0 ? `${loop}, and awaits nothing of Lockstep's.` : `${loop}.`;
  }
  const what = member.waitsFor === null ? '' : ` for ${visible(member.waitsFor.title)}`;
  if (stack === '') return `is blocked${what}, with no frame of the program on its stack.`;
  return `is blocked${what}:`;
}

/** The reason why a thread does not answer, and a remedy. */
function unanswered({ member: { state, pid, threadId, alsoJoins } }: ThreadStacks): string {
  switch (state) {
    case 'dead':
      return 'is dead.';
    case 'stopped':
      return `is stopped, and can't answer: kill -CONT ${pid}`;
    case 'idle':
      // A thread that only awaits the end of a child has no bell.
      return alsoJoins.length > 0
        ? `is idle in its event loop, and awaits ${listed(alsoJoins.map(endOf))}.`
        : 'is idle in its event loop, and has not answered.';
    case 'blocked':
    case 'awaits':
      return 'does not answer: it was blocked elsewhere meanwhile, or runs an older Lockstep.';
    default: {
      const debug =
        threadId === 0
          ? `node inspect -p ${pid}, then pause and bt, shows what it runs`
          : `kill -USR1 ${pid} opens the debugger of its process`;
      return `does not answer, as it is busy: ${debug}.`;
    }
  }
}

function begun({ title, lasted, stack }: CallStack): string[] {
  const head = `   awaits ${visible(title)}${lasted === null ? '' : `, for ${duration(lasted)}`}`;
  return stack === '' ? [`${head}.`] : [`${head}, called here:`, ...frames(stack)];
}

/** The program's frames; Node's own among them only where there are no others. */
function frames(stack: string): string[] {
  const all = stack.split('\n');
  const own = all.filter((line) => !/\(node:|at node:/.test(line));
  return (own.length > 0 ? own : all).map((line) => `      ${visible(line.trim())}`);
}
