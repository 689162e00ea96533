/** Document: the state of an object at a store, and how calls change it. */

import { NameTakenError } from '../errors.ts';
import type { CallId, Facts, Machine, Ring } from './machines/machine.ts';
import { sessionOf } from './machines/machine.ts';
import { KEPT_MS } from './machines/once.ts';
import type { Snapshot } from './store.ts';

/** The outcome of calls: the document to write, and their replies in order. */
export interface Outcome {
  readonly changed: boolean;
  readonly body: string | null;
  readonly sessions: readonly string[];
  readonly rings: readonly Ring[];
  /** Milliseconds after which the document goes by itself; 0: never. */
  readonly keep: number;
  readonly results: readonly { readonly reply: unknown; readonly version: number | undefined }[];
}

/** The session that makes the calls, and how long offers stand. */
export type Caller = Pick<Facts, 'caller' | 'seen' | 'claim'>;

/** A call with the machine of its object. Objects of one name may be made with unlike options. */
export interface Made {
  // biome-ignore lint/suspicious/noExplicitAny: states and calls are the machine's own
  readonly machine: Machine<any, any, any>;
  readonly call: unknown;
}

/** Runs the calls, all on objects of one kind, one after another on the document. */
export function runCalls(key: string, known: Snapshot, calls: readonly Made[], caller: Caller): Outcome {
  const { now, version } = known;
  const facts: Facts = { now, version, dead: new Set(known.dead), ...caller };
  const { machine } = calls[0]!;
  const before = decode(key, machine, known);
  let state = before;
  const rings: Ring[] = [];
  const results: { reply: unknown; version: number | undefined }[] = [];
  for (const each of calls) {
    const step = each.machine.apply(state, each.call, facts);
    state = step.state;
    rings.push(...step.rings);
    results.push({ reply: step.reply, version: step.version });
  }
  const changed = state !== before;
  if (state === undefined) return { changed, body: null, sessions: [], rings, keep: 0, results };
  const named: readonly CallId[] = machine.callsIn(state);
  return {
    changed,
    body: JSON.stringify({ kind: machine.kind, state }),
    sessions: [...new Set(named.map(sessionOf))],
    rings,
    keep: machine.lapses?.(state) === true ? KEPT_MS : 0,
    results,
  };
}

function decode(key: string, machine: Made['machine'], { body, version }: Snapshot): unknown {
  if (body === null) return undefined;
  const { kind, state } = JSON.parse(body) as { kind: string; state: unknown };
  if (kind !== machine.kind) {
    throw nameTaken(machine.kind, key, kind);
  }
  return machine.resolve === undefined ? state : machine.resolve(state, version);
}

/** The error of a call on an object if an object of another kind has its name. */
export function nameTaken(kind: string, key: string, other: string): NameTakenError {
  return new NameTakenError(
    `${kind} ${JSON.stringify(key)}: can't be used, the cluster has a ${other} of that name; take another name`,
  );
}
