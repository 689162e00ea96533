/**
 * Watcher: is called for every acquisition of a lock, if requested by: `stacks`,
 * LOCKSTEP_STACKS, LOCKSTEP_CHECK=order.
 */

import type { Cell } from '../../agents/cell.ts';
import { CHECKS_ORDER } from '../../checks.ts';
import { CODE_ROOT } from '../../package-root.ts';
import { checkOrder } from './lock-order.ts';
import { notesStacks } from './lock-words.ts';
import type { Watcher } from './raw-lock.ts';
import { writeTakenAt } from './taken-at.ts';

/** Stack frames that are kept. */
const DEPTH = 20;

const NOTES_ALL: boolean = isOn('LOCKSTEP_STACKS', ['1']) === '1';

/** The observer of takings of the lock in that cell. */
export function watcherFor(cell: Cell): Watcher | undefined {
  const noted = NOTES_ALL || notesStacks(cell);
  if (!noted && !CHECKS_ORDER) return undefined;
  return {
    taken(lock) {
      const stack = stackOfCaller();
      if (noted) writeTakenAt(cell, stack);
      if (CHECKS_ORDER) checkOrder(lock, stack);
    },
  };
}

/**
 * Value of an environment variable that turns something on; warns of other values.
 */
function isOn(name: string, known: readonly string[]): string | undefined {
  const value = process.env[name];
  if (value === undefined || value === '' || known.includes(value)) return value;
  process.emitWarning(`${name}=${value}: ignored, it can be ${known.map((each) => `"${each}"`).join(', ')}`);
  return undefined;
}

/** Where the library was called from: without its own frames and Node's. */
function stackOfCaller(): string {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  const { stack = '' } = new Error('taken here');
  Error.stackTraceLimit = before;
  const frames = stack.split('\n').slice(1);
  return frames.filter((frame) => !frame.includes(CODE_ROOT) && !frame.includes('node:')).join('\n');
}
