/**
 * Machine: a primitive of the cluster as a pure function of its document, a call, and the server's
 * facts.
 *
 * A document is a small JSON value that a store keeps under a key, with the version of its last
 * write. Versions grow over all writes of a namespace, also over deletions. A version is the
 * server's clock in microseconds, or one more than the version before if the clock has not moved
 * on.
 *
 * A step returns the new state, and the store writes it only if the version is still the one that
 * the step began with. So a step needs no lock, and each lost race costs one more step.
 *
 * Tokens: a holder's token is the version of the write that let it in. The machine can't know that
 * version beforehand; it writes 0, and each reader of the document puts the version in (`resolve`).
 *
 * Repeated calls: a call whose reply was lost is made again under the same id. Most machines find
 * the id in their state. For the others `once` keeps the reply in the document.
 */

/** `<session>/<number>`: one call of one session. */
export type CallId = string;

/** The server's answer when the document was read. */
export interface Facts {
  /** Milliseconds of the server's clock. A lower bound: time has gone on since. */
  readonly now: number;
  /** Sessions named in the document that are dead. A dead session never comes back. */
  readonly dead: ReadonlySet<string>;
  /** The version of the document's last write; 0 if there is none. */
  readonly version: number;
  /** The session that calls, and the number of its first call that has no reply yet. */
  readonly caller: string;
  readonly seen: number;
  /** How long an offer stands, in milliseconds. */
  readonly claim: number;
}

/** A hint for a session that waits: look at the document again, `after` so many milliseconds. */
export interface Ring {
  readonly to: CallId;
  readonly after: number;
}

export interface Step<State, Reply> {
  /** The same object where nothing has changed; `undefined`: the document is no longer needed. */
  readonly state: State | undefined;
  readonly reply: Reply;
  readonly rings: readonly Ring[];
  /** Of a repeated call: the version of the write that it made the first time. */
  readonly version?: number;
}

export interface Machine<State, Call, Reply> {
  /** Names the kind of object; a document of another kind under the same key is refused. */
  readonly kind: string;
  /** Of a turnstile: its places. A store may make calls on it by itself. */
  readonly places?: number | undefined;
  /** Of a queue: whether its items are reported done. A store may make calls on it by itself. */
  readonly counts?: boolean | undefined;
  apply(state: State | undefined, call: Call, facts: Facts): Step<State, Reply>;
  /** The calls that the state names: the store reports which of their sessions are dead. */
  callsIn(state: State): readonly CallId[];
  /** Whether the state is only kept for calls that may be repeated, and goes by itself in time. */
  lapses?(state: State): boolean;
  /** Puts the version into the holders that the last write has let in. */
  resolve?(state: State, version: number): State;
}

/** The session of a call. */
export function sessionOf(call: CallId): string {
  return call.slice(0, call.indexOf('/'));
}

export function numberOf(call: CallId): number {
  return Number(call.slice(call.indexOf('/') + 1));
}

export function isDead(call: CallId, { dead }: Facts): boolean {
  return dead.size > 0 && dead.has(sessionOf(call));
}

const NO_RINGS: readonly Ring[] = [];

/** A step. */
export function step<State, Reply>(
  state: State | undefined,
  reply: Reply,
  rings: readonly Ring[] = NO_RINGS,
): Step<State, Reply> {
  return { state, reply, rings };
}

/** Rings that tell these calls to look now. */
export function ringsTo(calls: readonly CallId[]): readonly Ring[] {
  return calls.map((to) => ({ to, after: 0 }));
}
