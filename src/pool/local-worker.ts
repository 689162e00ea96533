/**
 * Local worker: the only worker of a pool with `processes: 0`, in the pool's own thread. It takes
 * its tasks from the same rings as other workers. So arguments and results are encoded and decoded,
 * with the same limits as for a process. It runs while the event loop turns.
 */

import { EventEmitter } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { queueMicrotask } from '#clock';
import { packWhole, unpack } from '../codec/parcel.ts';
import { readClone } from '../codec/read-clone.ts';
import { v8 } from '../codec/v8.ts';
import { StateError } from '../errors.ts';
import { resolveReferenceNow } from '../functions/resolving.ts';
import { withCaller } from '../stacks.ts';
import { referenceToTarget } from '../workers/target.ts';
import { Moving } from '../workers/thread/moving.ts';
import type { ContextHooks } from './context.ts';
import type { WorkFunction } from './function-list.ts';
import { within } from './restoring.ts';
import { isThenable } from './thenable.ts';
import type { LocalFunctions } from './worker.ts';
import { PoolWorker } from './worker.ts';
import type { WorkerOrders } from './worker-orders.ts';

/** Exit code of a local worker that was given up while it ran a task. */
const GIVEN_UP = -9;

/** Has those members of a Process that a pool uses. */
export class LocalWorker extends EventEmitter {
  readonly pid: number = process.pid;
  exitCode: number | null = null;
  /** In a ThreadPool memory moves as to a thread. */
  readonly moving: Moving | undefined;
  private readonly worker: PoolWorker;

  constructor(orders: WorkerOrders, local: LocalFunctions, moves: boolean) {
    super();
    let moving: Moving | undefined;
    if (moves) {
      const { port1, port2 } = new MessageChannel();
      this.moving = new Moving(port1);
      moving = new Moving(port2);
    }
    this.worker = new PoolWorker(orders, local, moving);
  }

  start(): void {
    queueMicrotask(() => {
      this.worker.serve().then(
        () => this.end(0),
        () => this.end(1),
      );
    });
  }

  /** There may be work for it. */
  ring(): void {
    queueMicrotask(() => this.worker.ring());
  }

  isAlive(): boolean {
    return this.exitCode === null;
  }

  /** A task that runs here can't be ended: its outcome is dropped. */
  kill(): void {
    this.end(GIVEN_UP);
  }

  async join(): Promise<boolean> {
    if (this.exitCode === null) await new Promise((resolve) => void this.once('exit', resolve));
    return true;
  }

  /** `false`: it has not ended, and can't end while this thread blocks. */
  joinSync(): boolean {
    return this.exitCode !== null;
  }

  private end(code: number): void {
    if (this.exitCode !== null) return;
    this.worker.leave();
    this.exitCode = code;
    this.emit('exit', code);
  }
}

/** Calls the function in this thread, with arguments and result as they would be in a worker. */
export function callHere(
  fn: unknown,
  args: readonly unknown[],
  title: string,
  context: ContextHooks | undefined,
): unknown {
  const reference = referenceToTarget(fn, title, false);
  let called = typeof fn === 'function' ? (fn as WorkFunction) : resolveReferenceNow(reference);
  const what = `${title}: ${reference.export}`;
  const given = copied(args, what, 'args') as unknown[];
  if (context !== undefined)
    called = within(context.restore.fn!, copied(context.capture(), what, 'its context'), called);
  let result: unknown;
  try {
    result = called(...given);
  } catch (error) {
    throw withCaller(copied(error, what, 'the value that it threw'), undefined, '');
  }
  if (!isThenable(result)) return copied(result, what, 'its result');
  throw new StateError(
    `${title}: can't block for ${reference.export}, it gives a promise, and with processes: 0 it runs in this thread; await apply() instead`,
  );
}

function copied(value: unknown, title: string, name: string): unknown {
  const { parcel } = packWhole(value, 'process', `${title}:`, name);
  return unpack(readClone(v8().serialize(parcel)) as typeof parcel);
}
