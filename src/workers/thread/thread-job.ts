/** Thread job: the data that a thread gets from the thread that starts it. */

import type { MessagePort } from 'node:worker_threads';
import type { CodeCache } from '../../chunk.ts';
import type { MappingLog } from '../../platform/mapping-log.ts';
import type { Gift } from '../gift.ts';
import type { Identity } from '../identity.ts';
import type { PackedJob } from '../job.ts';
import type { Outcome } from '../outcome.ts';

export interface ThreadJob extends PackedJob {
  readonly identity: Identity;
  /** Words of the thread's status. */
  readonly status: Int32Array;
  /** Records the thread's mappings. */
  readonly mappings: MappingLog;
  /** By which the thread compiles the library faster. */
  readonly code: CodeCache | undefined;
  /** Takes the outcome. */
  readonly outcome: MessagePort;
}

/** The `workerData` of a thread of Lockstep's. */
export interface ThreadData {
  readonly lockstep: ThreadJob;
}

/**
 * The outcome that a thread sends: first a gift, if there are shared objects in it, and then the
 * outcome itself.
 */
export interface ThreadMessage {
  readonly gift?: Gift | undefined;
  readonly outcome?: Outcome | undefined;
}
