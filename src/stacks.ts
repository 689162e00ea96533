/**
 * Stacks: an error's stack shows where the program called, not what Lockstep did meanwhile.
 *
 * Frames of Lockstep's own files are cut out. A call that awaits may be refused long after, from a
 * timer: the frames of the call are kept from its beginning, on its slow path alone. Formatting is
 * left to V8, and done only where an error is made.
 */

import { CODE_FILE } from './package-root.ts';

/** Frames looked at beyond those shown: as deep as a call goes within Lockstep. */
const DEPTH = 40;
const FRAME = '\n    at ';

/**
 * Where this package's files are; `undefined` if they are bundled into a program, so that its files
 * are the same.
 */
const folders = ((): readonly string[] | undefined => {
  const [, root, code] =
    /^(.*\/)(dist|build\/src)\/(?:lockstep-\w+\.cjs|package-root\.js)$/.exec(CODE_FILE) ?? [];
  if (root === undefined) return undefined;
  const path = decodeURIComponent(root.replace(/^file:\/\//, ''));
  // Source maps lead to `src`.
  return [root, path].flatMap((each) => [`${each}${code}/`, `${each}src/`]);
})();

/** Where a call began. Its stack is formatted when it is asked for. */
export interface Origin {
  stack?: string;
}

/** Notes where the running call began. */
export function noteOrigin(): Origin {
  const origin: Origin = {};
  capture(origin);
  return origin;
}

/**
 * The frames of the program in it, as text; all frames where the library is bundled into the
 * program.
 */
export function framesOf(origin: Origin): string {
  if (folders !== undefined) return originOf(origin);
  const { stack } = origin;
  return typeof stack === 'string' ? stack.slice(stack.indexOf(FRAME) + 1) : '';
}

/** The frames of the program in it, as text. */
export function originOf(origin: Origin): string {
  const frames = folders === undefined ? [] : framesIn(origin.stack, '[object Object]');
  return frames.map((frame) => `    at ${frame}`).join('\n');
}

/** Cuts Lockstep's own frames out of the stack of a new error. */
export function cutOwnFrames(error: Error): void {
  if (folders === undefined || !capture(error)) return;
  setFrames(error, framesIn(error.stack, String(error)));
}

/** The stack of an error from a worker, without the frames of Lockstep's own files. */
export function withoutOwnFrames(stack: string): string {
  if (folders === undefined) return stack;
  const isOwn = (line: string): boolean =>
    line.startsWith('    at ') && folders.some((folder) => line.includes(folder));
  return stack
    .split('\n')
    .filter((line) => !isOwn(line))
    .join('\n');
}

/** Gives the error the frames of the call that it answers; returns it. */
export function withOrigin<Reason>(error: Reason, origin: Origin | undefined): Reason {
  if (folders === undefined || origin === undefined || !(error instanceof Error)) return error;
  setFrames(error, framesIn(origin.stack, '[object Object]'));
  return error;
}

/** Captures a stack that is deeper than usual; `false` if the program wants none. */
function capture(object: object): boolean {
  const limit = Error.stackTraceLimit;
  if (typeof limit !== 'number' || !(limit > 0) || Object.isFrozen(Error)) return false;
  Error.stackTraceLimit = limit + DEPTH;
  try {
    Error.captureStackTrace(object, capture);
  } finally {
    Error.stackTraceLimit = limit;
  }
  return true;
}

/** The program's frames; a stack that is no text, or none of V8's, has none. */
function framesIn(stack: unknown, header: string): string[] {
  if (typeof stack !== 'string') return [];
  const begin = stack.startsWith(header) ? header.length : stack.indexOf(FRAME);
  if (begin < 0) return [];
  return stack
    .slice(begin)
    .split(FRAME)
    .slice(1)
    .filter((frame) => !folders!.some((folder) => frame.includes(folder)));
}

function setFrames(error: Error, frames: readonly string[]): void {
  // None of the program's is left where Lockstep was called by Node itself: its own are better than
  // nothing.
  const first = frames.findIndex((frame) => !frame.includes('node:'));
  if (first < 0) return;
  const shown = frames.slice(first, first + Error.stackTraceLimit);
  const stack = `${String(error)}${shown.map((frame) => FRAME + frame).join('')}`;
  Object.defineProperty(error, 'stack', {
    value: stack,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
