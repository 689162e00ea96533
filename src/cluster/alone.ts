/**
 * Alone: the document of a lock that one call holds and nobody waits for, as its machine writes it.
 *
 * Such a document appears with the call and goes with it. So a store can compare texts without
 * understanding them.
 */

import type { Made } from './document.ts';
import { runCalls } from './document.ts';
import type { CallId } from './machines/machine.ts';
import type { TurnCall } from './machines/places.ts';
import type { Snapshot } from './store.ts';

type AnyMachine = Made['machine'];

/**
 * The text before the call in the document, and after it; `undefined` where the document would
 * stay.
 */
type Frame = readonly [before: string, after: string] | undefined;

const CALL = 'session/0';
const frames = new WeakMap<AnyMachine, Map<number, Frame>>();

/** The document that `call` alone makes or leaves; `''` where its machine keeps one for longer. */
export function aloneIn(machine: AnyMachine, call: TurnCall): string {
  if (call.op === 'give') return '';
  const places = call.op === 'take' ? call.places : machine.places!;
  let known = frames.get(machine);
  if (known === undefined) {
    known = new Map();
    frames.set(machine, known);
  }
  if (!known.has(places)) known.set(places, frameOf(machine, places));
  const frame = known.get(places);
  return frame === undefined ? '' : frame[0] + call.call + frame[1];
}

function frameOf(machine: AnyMachine, places: number): Frame {
  const absent: Snapshot = { version: 0, body: null, dead: [], now: 0 };
  const after = (known: Snapshot, call: TurnCall): string | null =>
    runCalls('', known, [{ machine, call: call satisfies TurnCall }], ALONE).body;
  const body = after(absent, { op: 'take', call: CALL as CallId, places, wait: true });
  if (body === null) return undefined;
  const left = after({ ...absent, version: 1, body }, { op: 'leave', call: CALL });
  const [before, behind, ...more] = body.split(CALL);
  return left === null && more.length === 0 ? [before!, behind!] : undefined;
}

const ALONE = { caller: 'session', seen: 0, claim: 0 };
