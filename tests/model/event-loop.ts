/**
 * EventLoop: the event loop of an actor whose code awaits. Timers, immediates and rings are events
 * that the search chooses; the code between two of them is one turn, with all the microtasks that
 * it has made.
 *
 * Replaces the timers of the whole process, which is there for nothing else. A loop that has
 * nothing to do ends the run.
 */

import { ABORT, machine } from './machine.ts';
import type { ModelNamespace } from './namespace.ts';
import { eachRung } from './namespace.ts';
import { actorWord, BELL, IDLE, IMMEDIATES, INTERVALS, STATUS, type State, TIMERS } from './state.ts';

/** Events, in the low bits of a result. */
export const RINGS = 0;
export const IMMEDIATE = 1;
export const TIMER = 2;
export const INTERVAL = 3;
const EVENT_BITS = 2;
const EVENT_MASK = 3;

/** A timer as its maker sees it. Whether it keeps the process running does not matter here. */
class Handle {
  ref(): void {}
  unref(): void {}
}

/** The time of a turn by an actor's clock, if it is slow. */
const LONG = 1;

const realImmediate = globalThis.setImmediate;
const realMicrotask = globalThis.queueMicrotask;

interface Timer {
  readonly act: () => void;
  readonly at: number;
}

const timers = new Map<Handle, Timer>();
const immediates = new Map<Handle, () => void>();
const intervals = new Map<Handle, () => void>();

/** The event of hearing the bell, with the cells that were rung. */
export function ringsHeard(state: State, actor: number): number {
  return RINGS | ((state[actorWord(actor) + BELL]! >> 1) << EVENT_BITS);
}

/** Replaces the process's timers. Its own are lost. */
export function takeTimers(): void {
  const replace = (name: string, value: unknown): void => {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  };
  const adder = (map: Map<Handle, () => void>) => (act: () => void) => {
    const handle = new Handle();
    map.set(handle, act);
    return handle;
  };
  replace('setTimeout', (act: () => void, milliseconds = 0) => {
    const handle = new Handle();
    timers.set(handle, { act, at: machine.clock + milliseconds });
    return handle;
  });
  replace('setImmediate', adder(immediates));
  replace('setInterval', adder(intervals));
  for (const name of ['clearTimeout', 'clearImmediate', 'clearInterval']) {
    replace(name, (handle: Handle) => {
      timers.delete(handle);
      immediates.delete(handle);
      intervals.delete(handle);
    });
  }
  replace('queueMicrotask', (act: () => void) => realMicrotask(() => attempt(act)));
  replace('performance', { now: () => machine.clock });
}

/** Forgets what an earlier run left. */
export function clearTimers(): void {
  if (timers.size > 0) timers.clear();
  if (immediates.size > 0) immediates.clear();
  if (intervals.size > 0) intervals.clear();
}

/** Goes on turn by turn until the code has ended, or the run is over. */
export async function runLoop(ended: Promise<void>, namespace: ModelNamespace): Promise<void> {
  let settled = false;
  ended.then(
    () => {
      settled = true;
    },
    (error: unknown) => {
      settled = true;
      report(error);
    },
  );
  for (;;) {
    await new Promise(realImmediate);
    if (machine.aborted || settled) return;
    if (!machine.replaying) {
      rest();
      return;
    }
    const event = machine.log[machine.position++]!;
    attempt(() => happen(event, namespace));
  }
}

/** Notes an error that is not the end of the run. */
export function report(error: unknown): void {
  if (error === ABORT || machine.aborted) return;
  machine.aborted = true;
  machine.violation ??= error as Error;
}

function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    report(error);
  }
}

/** The loop has nothing to do: the run continues with the next event. */
function rest(): void {
  const word = actorWord(machine.actor);
  const { state } = machine;
  state[word + STATUS] = IDLE;
  state[word + IMMEDIATES] = immediates.size;
  state[word + TIMERS] = timers.size;
  state[word + INTERVALS] = intervals.size;
  machine.aborted = true;
}

function happen(event: number, namespace: ModelNamespace): void {
  if (machine.slow) machine.clock += LONG;
  switch (event & EVENT_MASK) {
    case RINGS:
      eachRung(event >> EVENT_BITS, (cell) => namespace.answer(cell));
      return;
    case IMMEDIATE: {
      const now = [...immediates.values()];
      immediates.clear();
      for (const act of now) act();
      return;
    }
    case TIMER: {
      const [handle, timer] = [...timers].reduce((first, next) => (next[1].at < first[1].at ? next : first));
      timers.delete(handle);
      machine.clock = Math.max(machine.clock, timer.at);
      timer.act();
      return;
    }
    default:
      for (const act of [...intervals.values()]) act();
  }
}
