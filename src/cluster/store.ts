/**
 * Store: the tasks of a server for the cluster: keep documents by version, keep sessions by lease,
 * and pass rings on. All else is in the machines.
 */

import type { Ring } from './machines/machine.ts';
import type { PlacesReply, TurnCall } from './machines/places.ts';
import type { QueueCall, QueueReply } from './machines/queue.ts';

/** A document as the server has it. */
export interface Snapshot {
  /** Version of the last write; 0, or that of the deletion, where there is no document. */
  readonly version: number;
  readonly body: string | null;
  /** Sessions named in the document that are dead; they never come back. */
  readonly dead: readonly string[];
  /** Milliseconds of the server's clock. */
  readonly now: number;
}

export interface Commit {
  /** The session that commits. Refused with `SessionGone` if that session is dead. */
  readonly session: string;
  /** Refused with `Outdated` if `fence` has been called with a later one. */
  readonly epoch: number;
  readonly key: string;
  /** The version that the document must have; 0: there must be none. */
  readonly expect: number;
  /** The new document; `null` deletes it. */
  readonly body: string | null;
  /** Sessions that the new document names. */
  readonly sessions: readonly string[];
  readonly rings: readonly Ring[];
  /** Milliseconds after which the document goes by itself; 0: never. */
  readonly keep: number;
  /**
   * Lets the server forget the commit in a crash, together with all later commits; this process
   * would make it again. So PostgreSQL need not wait for the disk.
   */
  readonly lazy: boolean;
}

export type Committed =
  | { readonly done: true; readonly version: number; readonly now: number }
  | { readonly done: false; readonly fresh: Snapshot };

/** A call on places that a server may make by itself, without a document on the way. */
export interface Turn {
  readonly session: string;
  readonly epoch: number;
  readonly key: string;
  readonly kind: string;
  /** Places in all, of an object that is made by this call. */
  readonly of: number;
  readonly call: TurnCall;
  /**
   * The document while the call alone holds a lock; `''` if the document would outlive the call.
   */
  readonly alone: string;
  /** How long offers stand, in milliseconds. */
  readonly claim: number;
  /** Whether the document is wanted too. */
  readonly wantsBody: boolean;
  /** As in a commit; but a call that gets its places is never forgotten. */
  readonly lazy: boolean;
}

/** Not done: the document, for the machine. */
export type Turned =
  | {
      readonly done: true;
      /** Of the write; where nothing was written, of the one before. */
      readonly version: number;
      readonly now: number;
      readonly reply: PlacesReply;
      /** The document after the call, if it was wanted. */
      readonly body: string | null | undefined;
    }
  | { readonly done: false; readonly fresh: Snapshot };

/** Calls on a queue that a server may make by itself, one after another. */
export interface Batch {
  readonly session: string;
  readonly epoch: number;
  readonly key: string;
  readonly kind: string;
  /** Whether items are reported done. */
  readonly counts: boolean;
  /**
   * Larger than in every batch before. A batch that arrives again gets the replies that it had the
   * first time.
   */
  readonly serial: number;
  readonly calls: readonly QueueCall[];
  readonly claim: number;
}

/** Not done: an object of another kind has the name. */
export type Served =
  | { readonly done: true; readonly now: number; readonly replies: readonly QueueReply[] }
  | { readonly done: false; readonly kind: string };

/**
 * Gets the events of a server. They are hints, and may be late, repeated or missing.
 */
export interface StoreListener {
  /** The object has changed: look at it, `after` so many milliseconds. */
  rung(key: string, after: number, fresh: Snapshot | undefined): void;
  /** Events may have been missed, as no connection listens. */
  missed(): void;
  /** The connection is back: any number of events may have been missed. */
  up(): void;
  down(reason: Error): void;
}

export interface Store {
  /** The store's name in messages: `Redis at 127.0.0.1:6379`. */
  readonly title: string;
  /**
   * Why the server can never be reached again: the program has closed the client that it passed.
   */
  readonly gone?: string | undefined;
  /** Milliseconds between polls of objects that calls wait for; 0 if the store rings. */
  readonly poll: number;
  /**
   * Whether a request made now is sent before the call returns, so that one made as the program
   * ends still arrives. Missing: it never is.
   */
  readonly sendsAtOnce?: boolean;
  open(session: string, leaseMs: number, listener: StoreListener): Promise<void>;
  /** Prolongs the lease; `false`: the session is dead. */
  renew(session: string, leaseMs: number): Promise<boolean>;
  /** Ends the session and frees all that it holds. */
  close(session: string): Promise<void>;
  /**
   * Makes the server refuse commits of earlier epochs, because a commit whose outcome is unknown
   * may still be on its way. `false`: the session is dead.
   */
  fence(session: string, epoch: number): Promise<boolean>;
  /**
   * The document. Throws `SessionGone` if the session is dead: others may have removed its calls,
   * so it would misread what it finds.
   */
  read(key: string, session: string): Promise<Snapshot>;
  /**
   * Writes the document if it has the expected version and the session is alive, and rings. Throws
   * `SessionGone` or `Outdated` if nothing was done, `Unreachable` if the outcome is unknown.
   */
  commit(commit: Commit): Promise<Committed>;
  /**
   * Makes a call on places as its machine would, in one round trip; rejects as `commit` does.
   * Optional.
   */
  turn?(turn: Turn): Promise<Turned>;
  /** The kinds of objects for which `turn` saves round trips; missing: all. */
  readonly turned?: ReadonlySet<string>;
  /**
   * Makes calls on a queue as its machine would, in one round trip; rejects as `commit` does.
   * Optional.
   */
  serve?(batch: Batch): Promise<Served>;
  /** Lets the connections go. */
  end(): Promise<void>;
}

/** The session that asks is dead. */
export class SessionGone extends Error {}

/** The commit is of an earlier epoch, and was not done. */
export class Outdated extends Error {}

/** No answer came: the request may have been done. */
export class Unreachable extends Error {}
