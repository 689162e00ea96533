/** Thread job: what a thread is given by the one that starts it. */

import type { MessagePort } from 'node:worker_threads';
import type { Parcel } from '../../codec/parcel.ts';
import type { FunctionReference } from '../../functions/reference.ts';
import type { MappingLog } from '../../platform/mapping-log.ts';
import type { Identity } from '../identity.ts';

export interface ThreadJob {
  readonly identity: Identity;
  /** Folder of the namespace. */
  readonly folder: string;
  readonly target: FunctionReference;
  readonly isMethod: boolean;
  readonly cargo: Parcel;
  /** Words of the thread's status. */
  readonly status: Int32Array;
  /** Takes what the thread maps. */
  readonly mappings: MappingLog;
  /** Takes the outcome. */
  readonly outcome: MessagePort;
}

/** What `workerData` is for a thread of Lockstep's. */
export interface ThreadData {
  readonly lockstep: ThreadJob;
}
