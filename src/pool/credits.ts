/**
 * Credits: how far the generator of a stream may run ahead of the code that reads its values.
 *
 * They are kept in the CURSOR word of the stream's slot (task-table.ts), for as long as it runs:
 *
 *   30 WAITING | 29…0 CREDIT: the number of values that may have been put, from the first on
 *
 *   CREDIT is the pool's. The worker sets WAITING, the pool clears it. Both by CAS.
 *
 * Algorithm: credit-based flow control (Kung, Blackwell, Chapman, "Credit-Based Flow Control for
 * ATM Networks", 1994). Each value takes a credit, and each value that was read gives one back.
 *
 *   begin  The pool writes CREDIT = ahead, before it hands the task out.
 *   put    The worker counts the values that it has put. If the count equals CREDIT, it is out of
 *          credit: CAS CREDIT -> CREDIT with WAITING, and it sleeps.  // PUBLISH sleep -> credit
 *   give   Half of the values were read. The pool: CAS to a higher CREDIT, without WAITING. If
 *          WAITING was set, it rings the worker's bell.               // OBSERVE sleep -> credit
 *   stop   The pool sets ABORT in STATE, and always rings. Whatever bell wakes up the worker, it
 *          looks at both words, and sleeps on if neither has changed.
 *
 * The named race: W finds its count equal to CREDIT; P gives, sees no WAITING, and rings nobody; W
 * sets WAITING. The last step fails, because the CAS expects the old CREDIT, and W goes on. So
 * either the pool sees that the worker sleeps, or the worker sees the credit. A bell is not lost
 * either: the wait entry of a worker is filled for as long as it lives (worker.ts).
 *
 * Death of the worker, before or after any of these steps: the pool reads the values that it has
 * put, then its task is lost, and the word is written again before the slot is used again. Only the
 * runner of a task sets WAITING, and not after it has put the task's result, so no late CAS meets
 * another task. Death of the pool's process: its workers die with it.
 *
 * Counts are compared modulo 2^30, and never differ by more than `ahead`.
 */

import { cas, load } from '#atomics';
import type { Words } from '../memory/atomics.ts';

/** Values that may be ahead of the reader, at most. */
export const MOST_AHEAD: number = 2 ** 20;
const CREDIT_MASK: number = 2 ** 30 - 1;
const WAITING_BIT: number = 2 ** 30;

/** Whether a worker that has put `put` values is out of credit. */
export function isSpent(words: Words, at: number, put: number): boolean {
  return ((load(words, at) ^ put) & CREDIT_MASK) === 0;
}

/** Notes that the worker is about to sleep. `false`: it has credit. */
export function sleepWithoutCredit(words: Words, at: number, put: number): boolean {
  const spent = put & CREDIT_MASK;
  // PUBLISH sleep -> credit
  const found = cas(words, at, spent, spent | WAITING_BIT);
  // After another bell it may still be set.
  return found === spent || found === (spent | WAITING_BIT);
}

/** Raises the credit to `total`. `true`: the worker sleeps, and has to be woken up. */
export function giveCredit(words: Words, at: number, total: number): boolean {
  for (;;) {
    const before = load(words, at);
    // OBSERVE sleep -> credit
    if (cas(words, at, before, total & CREDIT_MASK) === before) return (before & WAITING_BIT) !== 0;
  }
}
