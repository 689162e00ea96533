/**
 * Countdown: a process that is armed kills itself when it comes to its k-th point.
 *
 * Points are the operations on shared memory (crashing-atomics.ts) and those that change files
 * (crashing-files.ts). Dying before a point and dying after the one before it leave the same
 * behind, so one mode is enough. Dying after the last point is the completed operation, whose
 * process is killed from outside. For the same reason reads that follow each other are one point,
 * unless `LOCKSTEP_CRASH=every` is set: then the walk takes twice as long and finds the same.
 * pace.ts says at which points victims die.
 */

/** Told at the very end: the point, as `cas in RawLock.free`. */
export type LastWords = (point: string) => void;

let left = 0;
let passed = 0;
let lastWords: LastWords | undefined;
/** Whether the last point only read. */
let read = false;
/** Set for walks in which every read is a point. */
const everyRead = process.env.LOCKSTEP_CRASH === 'every';

/** From now on every point counts; at the `k`-th the process dies. */
export function arm(k: number, words: LastWords): void {
  left = k;
  passed = 0;
  read = false;
  lastWords = words;
}

/** Returns how many points were passed since `arm`. */
export function disarm(): number {
  left = 0;
  return passed;
}

export function isArmed(): boolean {
  return left > 0;
}

/**
 * A point at which something is read: one after another leaves everything as it was, and counts
 * once.
 */
export function pointOfReading(what: string): void {
  if (read && !everyRead) return;
  point(what);
  read = true;
}

/** A point at which something is changed: does not return if it is the last one. */
export function point(what: string): void {
  if (left === 0) return;
  read = false;
  if (left > 1) {
    left--;
    passed++;
    return;
  }
  left = 0;
  lastWords?.(`${what} in ${caller()}`);
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

/** The library's function at work. */
function caller(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 20;
  const frames = new Error().stack?.split('\n') ?? [];
  Error.stackTraceLimit = limit;
  const frame = frames.find((line) => /\/build\/(src|tested)\//.test(line));
  return /at (?:async |new |get |set )?(\S+)/.exec(frame ?? '')?.[1] ?? 'an unnamed function';
}
