/**
 * Thread ending: terminates a thread.
 *
 * Node sometimes aborts the whole process when a thread is terminated while it loads modules: V8
 * and the loaders of native addons have no answer to such a failure. So a thread that still loads
 * is only asked to end, and does so itself when it has loaded; one that takes too long is
 * terminated all the same.
 */

import type { Worker } from 'node:worker_threads';
import { clearTimeout, now, setTimeout } from '#clock';
import { untilUnbroken } from '../../platform/unbroken.ts';
import type { ThreadStatus } from './thread-status.ts';
import { TERMINATED } from './thread-status.ts';

/** Milliseconds that a thread which was asked to end may go on loading. */
const GRACE = 2000;

/** The parent's side. */
export class ThreadEnding {
  private readonly worker: Worker;
  private readonly status: ThreadStatus;
  /** When a thread that was asked to end is terminated, on the clock of `performance.now()`. */
  private due = Number.POSITIVE_INFINITY;

  constructor(worker: Worker, status: ThreadStatus) {
    this.worker = worker;
    this.status = status;
  }

  /** Ends the thread. Returns at once, or as soon as the thread does not map memory. */
  begin(): void {
    if (!this.status.ask()) {
      this.terminate();
      return;
    }
    if (this.due !== Number.POSITIVE_INFINITY) return;
    this.due = now() + GRACE;
    // The program must not end before: that, too, would terminate the thread.
    this.worker.ref();
    const timer = setTimeout(() => this.terminate(), GRACE);
    this.worker.once('exit', () => clearTimeout(timer));
  }

  /** To be called now and then where the event loop can't run. */
  enforce(): void {
    if (now() >= this.due) this.terminate();
  }

  private terminate(): void {
    untilUnbroken(this.status.stage);
    void this.worker.terminate();
  }
}

/** Ends this thread as if it were terminated: no exit listener runs. */
export function endSelf(): never {
  process.removeAllListeners('exit');
  process.exit(TERMINATED);
}
