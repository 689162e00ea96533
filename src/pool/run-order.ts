/** Run order: the order for an item run, and the receiver of its outcomes. */

import type { Origin } from '../stacks.ts';
import type { PoolFunction } from './function-list.ts';

/** The parameters of a run. */
export interface RunOrder {
  readonly fn: PoolFunction;
  readonly isTuples: boolean;
  readonly quiet: boolean;
  /** `undefined`: the run chooses it. */
  readonly chunkSize: number | undefined;
  readonly priority: number;
  readonly retries: number;
  readonly origin: Origin | undefined;
  /** Time of the call, on this thread's clock. */
  readonly now: number;
}

/** Receives the outcomes of the items. */
export interface RunTarget {
  /** Whether an outcome is of use before the others have come. */
  readonly isLive: boolean;
  /** Number of items that may be taken from the source now. */
  room(pulled: number): number;
  /** The results of items, the first of which has the number `from`. */
  items(from: number, values: readonly unknown[]): void;
  failed(index: number, error: unknown): void;
  /** `count` items from `index` on are done; their results are not wanted. */
  quiet(index: number, count: number): void;
  /** All items that were taken have ended. `failure`: the error that the source threw. */
  ended(failure: { error: unknown } | undefined): void;
}
