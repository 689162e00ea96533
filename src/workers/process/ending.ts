/**
 * Ending: a child process whose target is done ends as one of CPython does: when its event loop has
 * nothing left to do, its exit listeners run, then `_exit`.
 *
 * Node's work between the last turn of the loop and the end is of no use to such a process, takes
 * milliseconds, and may never be over. The main thread waits for V8's background tasks, and a task
 * that needs the main thread to collect garbage waits for it
 * (https://github.com/nodejs/node/issues/54918). Its parent would wait as well.
 *
 * Whether the loop has something left is asked in the callback of a timer: libuv has taken that off
 * its list, so what is alive is something else. Other timers of JavaScript share its handle, so
 * they are counted.
 *
 * If there is a listener for `beforeExit`, Node ends the process. Only Node does what the listeners
 * have put off (ticks, promises) before it looks whether they have found something to do.
 */

import module from 'node:module';
import { setTimeout } from '#clock';
import { platform } from '../../platform/current.ts';

/**
 * Options of Node that do something on the way out. Those that only say how, as
 * `--cpu-prof-interval`, are not among them.
 */
const AT_EXIT =
  /--(inspect(-brk|-wait)?|prof|cpu-prof|heap-prof|trace-events-enabled|trace-event-categories)(=|\s|$)/;

/** Milliseconds until a loop that had something left is looked at again, if only that. */
const LOOK_AGAIN = 1;
/**
 * Looks at a loop that has something left. Should that take longer, the process ends as Node likes.
 */
const LOOKS = 8;

/** Ends this process once it has nothing left to do. */
export function endWhenIdle(): void {
  if (process.env.NODE_V8_COVERAGE || hasCompileCache() || doesSomethingAtExit()) return;
  lookAfter(0, LOOKS);
}

/** Whether this Node was given an option by which it does something on the way out. */
export function doesSomethingAtExit(): boolean {
  const options = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`;
  // Node takes --cpu_prof for --cpu-prof.
  return AT_EXIT.test(options.replaceAll('_', '-'));
}

/** Whether Node keeps compiled code in files, as of Node 22.1. */
function hasCompileCache(): boolean {
  const { getCompileCacheDir } = module as { getCompileCacheDir?: () => string | undefined };
  return getCompileCacheDir?.() !== undefined;
}

/** Whether a debugger was let in since the start: Node waits for it to go. */
function isDebugged(): boolean {
  return process.getBuiltinModule('node:inspector')?.url() !== undefined;
}

function lookAfter(milliseconds: number, looks: number): void {
  setTimeout(() => {
    if (isIdle()) finish();
    else if (looks > 1) lookAfter(LOOK_AGAIN, looks - 1);
  }, milliseconds);
}

/** To be asked in the callback of a timer. */
function isIdle(): boolean {
  if (platform.isLoopAlive()) return false;
  const others = process
    .getActiveResourcesInfo()
    .filter((name) => name === 'Timeout' || name === 'Immediate');
  return others.length <= 1;
}

function finish(): void {
  if (process.listenerCount('beforeExit') > 0 || isDebugged()) return;
  // In its place, and not as the last listener: tools that replace `process.emit` have things to do
  // after the listeners.
  Object.assign(process, { reallyExit: (code: unknown) => platform.endAtOnce(Number(code)) });
  process.exit();
}
