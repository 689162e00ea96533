/** Pending: a call that is under way, and the lane of its object. */

import { LeaseLostError, NameTakenError, StoreError } from '../errors.ts';
import type { Made, Outcome } from './document.ts';
import type { Snapshot } from './store.ts';

/** Most calls of a request that the store makes by itself, and most characters of their items. */
const MOST_SERVED = 256;
const MOST_SERVED_TEXT = 2 ** 20;

/** The result of a call: its reply, and the version of the write that it made. */
export interface Result<Reply> {
  readonly reply: Reply;
  readonly version: number;
  /** The server's clock when it replied, if it made the call by itself. */
  readonly now?: number;
}

/** The fate of a call whose commit the server has forgotten. */
export type Forgotten<Reply> =
  /** It is made again when the connection is back. */
  | 'repeated'
  /** With this reply its caller makes it again. */
  | ((reply: Reply) => boolean);

export interface Pending extends Made {
  readonly key: string;
  readonly forgotten: Forgotten<unknown> | undefined;
  readonly session: string;
  readonly number: number;
  resolve(result: Result<unknown>): void;
  reject(reason: unknown): void;
}

/** How the first try of a call ended: the document is for the machine, or an error. */
export interface Begun {
  readonly pending: Pending;
  readonly left?: Snapshot;
  readonly error?: unknown;
}

export interface Lane {
  pending: Pending[];
  busy: boolean;
  last: Snapshot;
  /** When `last` was written by this process. */
  writtenAt: number;
  /** Whether the machine runs here, beside the store, so that fetching documents pays. */
  usesMachine: boolean;
  /** Of a lock that stays here for an acquire that may follow at once: gives it back (stays.ts). */
  giveUp: (() => void) | undefined;
}

/**
 * Takes the first call out of the lane, with those that can be made together with it. A commit
 * belongs to one session, so calls of a lost session are refused separately.
 */
export function takeBatch(lane: Lane, served: boolean): readonly Pending[] {
  const [first] = lane.pending as [Pending];
  let length = 0;
  const batch = lane.pending.filter((each, index) => {
    if (!isLike(each, first)) return false;
    if (!served || index === 0) return true;
    length += (each.call as { text?: string }).text?.length ?? 0;
    return index < MOST_SERVED && length <= MOST_SERVED_TEXT;
  });
  const taken = new Set(batch);
  lane.pending = lane.pending.filter((each) => !taken.has(each));
  return batch;
}

/** Whether one commit can contain both: of the same session, on the same kind of object. */
function isLike(one: Pending, other: Pending): boolean {
  return one.session === other.session && one.machine.kind === other.machine.kind;
}

export function isLazy({ forgotten }: Pending, reply: unknown): boolean {
  return typeof forgotten === 'function' ? forgotten(reply) : forgotten === 'repeated';
}

/** Ignores an error that means: the hold ended before, with its session or with its object. */
export function ignoreEnd(error: unknown): void {
  const gone = [LeaseLostError, NameTakenError, StoreError];
  if (!gone.some((kind) => error instanceof kind)) throw error;
}

export function settle(batch: readonly Pending[], { results }: Outcome, version: number): void {
  batch.forEach(({ resolve }, index) => {
    const result = results[index]!;
    resolve({ reply: result.reply, version: result.version ?? version });
  });
}
