/**
 * The live children of this thread, and their fate when it exits: daemons are ended, the others
 * waited for.
 */

import { now } from '#clock';
import { writeError } from './write-fully.ts';

/** A child as its thread's end sees it. */
export interface LiveChild {
  readonly name: string;
  readonly daemon: boolean;
  isAlive(): boolean;
  joinSync(timeout?: number): boolean;
  terminate(): void;
  kill(): void;
}

/** Milliseconds that a daemon has to end by itself, once its parent has asked for it. */
const DAEMON_GRACE = 500;
/** Milliseconds in which a daemon that was killed is gone, unless the kernel is stuck in a call. */
const LONGEST_DEATH = 10_000;
/** Milliseconds after which a failed program reports the children that it still waits for. */
const SILENCE = 200;

const children = new Set<LiveChild>();
const endings = new Set<() => void>();
let watching = false;
/** The error that ends this thread, if one does. */
let failure: { readonly error: unknown } | undefined;

export function trackChild(child: LiveChild): void {
  children.add(child);
  watch();
}

/** Has `end` called when this thread exits, before it ends and awaits its children. */
export function beforeEnd(end: () => void): void {
  endings.add(end);
  watch();
}

function watch(): void {
  if (watching) return;
  watching = true;
  // First in line: the listener that leaves the shared memory must come after.
  process.prependListener('exit', endChildren);
  // Only listens: the handling of the error does not change.
  process.on('uncaughtExceptionMonitor', noteFailure);
}

export function untrackChild(child: LiveChild): void {
  children.delete(child);
}

/** The children that have not ended, in the order of their start. */
export function liveChildren(): LiveChild[] {
  return [...children].filter((child) => child.isAlive());
}

/** *Blocks* until the children have ended that are no daemons. */
function endChildren(): void {
  for (const end of endings) end();
  const alive = liveChildren();
  const daemons = alive.filter(({ daemon }) => daemon);
  // Ask daemons to end, and wait for all other children.
  for (const daemon of daemons) daemon.terminate();
  const others = alive.filter(({ daemon }) => !daemon);
  if (failure !== undefined) explainWaiting(others);
  for (const child of others) child.joinSync();
  // Kill the daemons that have not ended in time.
  const patience = now() + DAEMON_GRACE;
  const stubborn = daemons.filter((daemon) => !daemon.joinSync(Math.max(0, patience - now())));
  for (const daemon of stubborn) daemon.kill();
  // Wait for their deaths. One that is still dying would keep the folder from being removed. Node
  // aborts if it ends while a thread loads its modules.
  const limit = now() + LONGEST_DEATH;
  for (const daemon of stubborn) daemon.joinSync(Math.max(0, limit - now()));
}

/**
 * Node prints the error that ends a program only after its exit listeners: without a word, waiting
 * would look like hanging.
 */
function explainWaiting(others: LiveChild[]): void {
  const patience = now() + SILENCE;
  const waiting = others.filter((child) => !child.joinSync(Math.max(0, patience - now())));
  if (waiting.length === 0) return;
  const names = waiting.map(({ name }) => name).join(', ');
  writeError(`lockstep: this program has failed (${String(failure?.error)}) and waits for ${names} to end\n`);
}

function noteFailure(error: unknown): void {
  failure = { error };
}
