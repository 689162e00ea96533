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
/** The frames of an error's constructors. */
const MAKER = /^(?:cutOwnFrames|new \w*Error) /;

/**
 * Where this package's files are; `undefined` if they are bundled into a program, so that its files
 * are the same.
 */
const folders = ((): readonly string[] | undefined => {
  const [, root, code] =
    /^(.*\/)(dist|build\/src)\/(?:lockstep-\w+\.cjs|lockstep-[0-9A-Z]{8}\.js|package-root\.js)$/.exec(
      CODE_FILE,
    ) ?? [];
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

/**
 * Cuts Lockstep's own frames out of the stack of a new error. Where Node itself has called
 * Lockstep, the stack has no frame of the program; then Lockstep's own are better than none.
 */
export function cutOwnFrames(error: Error): void {
  if (folders === undefined || !capture(error)) return;
  const all = allFramesIn(error.stack, String(error));
  const first = all.findIndex(isOfProgram);
  if (first >= 0) setFrames(error, all.slice(first).filter(isNotOwn));
  // Begin with the place that has made the error.
  else setStack(error, headed(error, all.slice(all.findLastIndex((frame) => MAKER.test(frame)) + 1)));
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

/**
 * Gives the error the frames of the call that it answers; returns it.
 *
 * @param note a line before the frames
 */
export function withOrigin<Reason>(error: Reason, origin: Origin | undefined, note?: string): Reason {
  if (folders === undefined || origin === undefined || !(error instanceof Error)) return error;
  setFrames(error, framesIn(origin.stack, '[object Object]'), note);
  return error;
}

/**
 * Appends the frames of a call to those of an error that was thrown elsewhere, without Lockstep's
 * own in both; returns it.
 *
 * @param between the line between the two, such as `in a worker, called`
 */
export function withCaller<Reason>(error: Reason, origin: Origin | undefined, between: string): Reason {
  if (!(error instanceof Error) || typeof error.stack !== 'string' || error.stack === '') return error;
  const stack = withoutOwnFrames(error.stack);
  const frames = origin === undefined ? '' : originOf(origin);
  const isKnown = frames === '' || stack.includes(frames);
  if (isKnown && stack === error.stack) return error;
  setStack(error, isKnown ? stack : `${stack}\n    -- ${between} --\n${frames}`);
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

/** The frames that are not Lockstep's. */
function framesIn(stack: unknown, header: string): string[] {
  return allFramesIn(stack, header).filter(isNotOwn);
}

/** All frames. Returns none if the stack was changed, so that V8's form is not in it. */
function allFramesIn(stack: unknown, header: string): string[] {
  if (typeof stack !== 'string') return [];
  const begin = stack.startsWith(header) ? header.length : stack.indexOf(FRAME);
  return begin < 0 ? [] : stack.slice(begin).split(FRAME).slice(1);
}

function isNotOwn(frame: string): boolean {
  return !folders!.some((folder) => frame.includes(folder));
}

function isOfProgram(frame: string): boolean {
  return !frame.includes('node:') && isNotOwn(frame);
}

function setFrames(error: Error, frames: readonly string[], note?: string): void {
  const first = frames.findIndex(isOfProgram);
  if (first >= 0) setStack(error, headed(error, frames.slice(first), note));
}

/** The text of the error, and as many of the frames as the program wants. */
function headed(error: Error, frames: readonly string[], note?: string): string {
  const shown = frames.slice(0, Error.stackTraceLimit);
  const between = note === undefined ? '' : `\n    -- ${note} --`;
  return `${String(error)}${between}${shown.map((frame) => FRAME + frame).join('')}`;
}

function setStack(error: Error, stack: string): void {
  Object.defineProperty(error, 'stack', {
    value: stack,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
