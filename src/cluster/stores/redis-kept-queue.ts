/** KeptQueue: the part of a queue that is in its document at a Redis server. */

import type { CallId } from '../machines/machine.ts';

/** The state in a queue's document, beside its stream. */
export interface KeptQueue {
  readonly left: number;
  readonly out: readonly [
    call: CallId,
    until: number,
    order: string,
    tries: number,
    put: string,
    text: string,
  ][];
  readonly back: readonly [order: string, tries: number, put: string, text: string][];
  readonly takers: readonly CallId[];
  readonly putters: readonly [call: CallId, most: number][];
  readonly joins: readonly CallId[];
}

/** The number of items that wait in a queue whose stream has that many entries. */
export function waitingIn({ out, back }: KeptQueue, entries: number): number {
  const delivered = out.filter(([, , , , , text]) => text === '').length;
  const beside = back.filter(([, , , text]) => text !== '').length;
  return entries - delivered + beside;
}
