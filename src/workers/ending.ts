/**
 * Ending: a child process whose target is done ends as one of CPython does: when its event loop has nothing left to do, its exit
 * listeners run, then `_exit`.
 *
 * What Node does between the last turn of the loop and the end is of no use to such a process, takes milliseconds, and may
 * never be over: the main thread waits for V8's background tasks, and a task that needs the main thread to collect garbage waits
 * for it (https://github.com/nodejs/node/issues/54918). Its parent would wait as well.
 *
 * Whether the loop has something left is asked in the callback of a timer: libuv has taken that off its list, so what is alive
 * is something else. Other timers of JavaScript share its handle, so they are counted.
 */

import { endAtOnce, isLoopAlive } from '../platform/linux-process.ts';

/** Options of Node that do something on the way out. Those that only say how, as `--cpu-prof-interval`, are not among them. */
const AT_EXIT =
  /--(inspect(-brk|-wait)?|prof|cpu-prof|heap-prof|trace-events-enabled|trace-event-categories)(=|\s|$)/;

/** Milliseconds until a loop that had something left is looked at again, if only that. */
const LOOK_AGAIN = 1;
/** Looks at a loop that has something left. Should that take longer, the process ends as Node likes. */
const LOOKS = 8;

/** Ends this process once it has nothing left to do. */
export function endWhenIdle(): void {
  if (process.env.NODE_V8_COVERAGE) return;
  if (AT_EXIT.test(`${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`)) return;
  lookAfter(0, LOOKS);
}

function lookAfter(milliseconds: number, looks: number): void {
  setTimeout(() => {
    if (isIdle()) finish();
    else if (looks > 1) lookAfter(LOOK_AGAIN, looks - 1);
  }, milliseconds);
}

/** To be asked in the callback of a timer. */
function isIdle(): boolean {
  if (isLoopAlive()) return false;
  const others = process
    .getActiveResourcesInfo()
    .filter((name) => name === 'Timeout' || name === 'Immediate');
  return others.length <= 1;
}

function finish(): void {
  // As Node does: a listener may find something to do.
  process.emit('beforeExit', exitCode());
  if (!isIdle()) return;
  // The last listener.
  process.once('exit', () => endAtOnce(exitCode()));
  process.exit();
}

function exitCode(): number {
  return Number(process.exitCode ?? 0);
}
