/** A context that travels with the calls of a pool. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RawArray } from 'lockstep';
import { endFirst } from './deaths.ts';

export interface RequestContext {
  readonly id: string;
}

/** Of the program, and of each worker. */
export const request: AsyncLocalStorage<RequestContext> = new AsyncLocalStorage();

export function restoreRequest(context: RequestContext, run: () => unknown): unknown {
  return request.run(context, run);
}

export function requestOf(_item: unknown): string | undefined {
  return request.getStore()?.id;
}

export async function requestLater(): Promise<(string | undefined)[]> {
  const before = request.getStore()?.id;
  await sleep(1);
  return [before, request.getStore()?.id];
}

export function* requestsYielded(): Generator<string | undefined> {
  for (let n = 0; n < 3; n++) yield request.getStore()?.id;
}

export async function* requestsLater(): AsyncGenerator<string | undefined> {
  for (let n = 0; n < 3; n++) {
    await sleep(1);
    yield request.getStore()?.id;
  }
}

export function failsInRequest(): never {
  throw new Error(`in request ${request.getStore()?.id}`);
}

export function requestAfterDeath(counts: RawArray<'i32'>): string | undefined {
  endFirst(counts, 0);
  return request.getStore()?.id;
}

export function countRestores(counts: RawArray<'i32'>, run: () => unknown): unknown {
  Atomics.add(counts.view as Int32Array, 0, 1);
  return run();
}

/** Refuses some contexts. */
export function restoreSome(context: RequestContext, run: () => unknown): unknown {
  if (context.id === 'bad') throw new Error('bad context');
  if (context.id === 'silent') run();
  return context.id === 'silent' || context.id === 'idle' ? undefined : run();
}
