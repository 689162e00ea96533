/**
 * Transfers: memory that moves between the pool's thread and a worker thread, without a copy.
 *
 * Only a message port can move memory, and only to a thread that is known. But any worker may take
 * a task. So the arguments do not travel with it:
 *
 *   call    The pool clones the arguments for itself, and moves the buffers into that clone. From
 *           here on they are gone for the caller.
 *   fetch   The worker that has claimed the task puts FETCH into its ring, and sleeps.
 *   send    The pool moves the clone to that worker's port, and rings the worker's bell.
 *   result  The worker moves it to the port, and then puts the outcome into its ring. So the pool,
 *           which reads the ring first, finds it in the port.
 *
 * Death of the worker: before FETCH is read, the clone is still here. After that it is lost with
 * the worker, so such a task is not run again.
 */

import type { Parcel } from '../codec/parcel.ts';
import { packWhole, unpack } from '../codec/parcel.ts';
import { NotSendableError } from '../errors.ts';
import { keepFor } from '../objects/keeping.ts';
import type { Moving } from '../workers/thread/moving.ts';
import type { Movable } from './current-task.ts';
import { markOf } from './current-task.ts';

/** Arguments that move to the worker of a task. */
export class Cargo {
  private clone: readonly [Parcel, Movable[]] | undefined;
  /** Lets the shared objects in it go, which live until the task has ended. */
  readonly letGo: () => void;

  /** Throws `NotSendableError`; then nothing has moved. */
  constructor(values: readonly unknown[], list: readonly Movable[], title: string) {
    const { parcel, shared } = packWhole(values, 'thread', title, 'args', list);
    try {
      this.clone = structuredClone([parcel, list as Movable[]] as const, { transfer: list as ArrayBuffer[] });
    } catch (cause) {
      throw refusal(title, cause);
    }
    this.letGo = keepFor(shared, () => false);
  }

  send(moving: Moving, ticket: number): void {
    if (this.clone !== undefined) moving.send(ticket, ...this.clone);
    this.clone = undefined;
  }

  /** The arguments, in the thread of the pool. */
  open(): unknown[] {
    return unpack(this.clone![0]) as unknown[];
  }
}

/** Moves the result; `false`: it can't, and has to be copied. Throws `NotSendableError`. */
export function moveResult(moving: Moving, ticket: number, value: unknown, title: string): boolean {
  const list = markOf(value)!;
  const { parcel, shared } = packWhole(value, 'thread', title, 'its result', list);
  // Shared objects live until they are opened only if they lie in a ring.
  if (shared.length > 0) return false;
  try {
    moving.send(ticket, parcel, list);
  } catch (cause) {
    throw refusal(title, cause);
  }
  return true;
}

function refusal(title: string, cause: unknown): NotSendableError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new NotSendableError(
    `${title} can't be transferred (${why}); list buffers and ports that occur in the value, each once, and not yet transferred`,
    { cause },
  );
}
