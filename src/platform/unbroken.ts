/**
 * Unbroken: work during which a thread must not be terminated.
 *
 * Node-API refuses to make an ArrayBuffer or a function in a thread that is being terminated. Then
 * koffi throws, which Node-API refuses, too, and Node ends the whole process. So the thread and its
 * parent agree on the moment.
 *
 *   word  name   meaning                                              written by
 *   +0    STAGE  0 free, 1 in the middle, 2 about to be terminated    CAS: 0 to 1 and back the
 *                                                                     thread, 0 to 2 the parent
 *
 * Race: the thread is about to begin while the parent is about to terminate it. If the thread is
 * first, the parent waits until the work is done. If the parent is first, the thread blocks until
 * it is terminated.
 */

import { now } from '#clock';

const FREE = 0;
const BUSY = 1;
const OVER = 2;
/** Milliseconds after which a thread is terminated even in the middle. */
const PATIENCE = 1000;
/** Milliseconds between looks at the clock. */
const INTERVAL = 50;

let stage: Int32Array | undefined;
let isInside = false;

/** Sets the word that `unbroken` uses. Called by the thread that may be terminated. */
export function keepStage(given: Int32Array): void {
  stage = given;
}

/** Runs `act`, during which the parent waits before it terminates this thread. */
export function unbroken<Result>(act: () => Result): Result {
  if (stage === undefined || isInside) return act();
  if (Atomics.compareExchange(stage, 0, FREE, BUSY) === OVER) for (;;) Atomics.wait(stage, 0, OVER);
  isInside = true;
  try {
    return act();
  } finally {
    isInside = false;
    Atomics.compareExchange(stage, 0, BUSY, FREE);
    Atomics.notify(stage, 0);
  }
}

/** Called by the parent before it terminates the thread. *Blocks* while that is in the middle. */
export function untilUnbroken(given: Int32Array): void {
  const until = now() + PATIENCE;
  while (Atomics.compareExchange(given, 0, FREE, OVER) === BUSY && now() < until)
    Atomics.wait(given, 0, BUSY, INTERVAL);
}
