/** Worker orders: the arguments of a worker at its start. */

import type { FunctionReference } from '../functions/resolving.ts';
import type { Queue } from '../messaging/queue.ts';
import type { RawArray } from '../shared/raw-array.ts';

export interface WorkerOrders {
  /** The pool's kind and name, which begin its messages. */
  readonly title: string;
  readonly index: number;
  readonly tasks: Queue;
  readonly table: RawArray<'i32'>;
  readonly results: Queue;
  readonly concurrency: number;
  readonly mostTasks: number;
  readonly initializer?: FunctionReference | undefined;
  readonly initArgs: readonly unknown[];
  readonly finalizer?: FunctionReference | undefined;
}
