/** Run: many histories side by side at one server, and what was rung meanwhile. */

import assert from 'node:assert/strict';
import type { Ground, Heard, Tally } from './histories.ts';
import { History } from './histories.ts';

/** What a run of histories needs of a server. */
export interface Runs {
  /** Histories under way at a time. */
  readonly atATime: number;
  /** All that was rung until now, in the order in which it was heard. */
  heard(): Promise<Heard>;
  end(): Promise<void>;
}

/** A server for histories of places. */
export type Grounds = Ground & Runs;

type Histories<On> = new (
  bench: { readonly ground: On; readonly expected: Heard },
  seed: number,
  place: number,
) => { run(tally: Tally): Promise<void> };

/** Goes through so many histories of places. */
export function runHistories(ground: Grounds, count: number): Promise<Tally> {
  return runAll(ground, count, History);
}

/** Goes through so many histories. */
export async function runAll<On extends Runs>(
  ground: On,
  count: number,
  Each: Histories<On>,
): Promise<Tally> {
  const tally: Tally = { made: 0, left: 0 };
  const expected: Heard = new Map();
  try {
    let next = 0;
    const work = async (place: number): Promise<void> => {
      while (next < count) {
        const seed = ++next;
        try {
          await new Each({ ground, expected }, seed, place).run(tally);
        } catch (error) {
          next = count;
          throw new Error(`history ${seed}: ${(error as Error).message}`, { cause: error });
        }
      }
    };
    const workers = await Promise.allSettled(
      Array.from({ length: ground.atATime }, (_, place) => work(place)),
    );
    for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
    const heard = await ground.heard();
    for (const [key, rings] of expected) assert.deepEqual(heard.get(key) ?? [], rings, `the rings of ${key}`);
    const rung = [...heard].filter(([key]) => !expected.has(key));
    assert.deepEqual(rung, []);
    return tally;
  } finally {
    await ground.end();
  }
}

/** Notes a ring as histories expect it. */
export function noteRing(heard: Heard, session: string, message: string): void {
  const [head, document] = message.split(/\n(.*)/s) as [string, string?];
  const bar = head.indexOf('|');
  const [version, , ...body] = (document ?? '').split('|');
  const told = document === undefined ? '' : `${version} ${body.join('|')}`;
  const key = head.slice(bar + 1);
  const list = heard.get(key) ?? [];
  heard.set(key, list);
  list.push(`${session} ${head.slice(0, bar)} ${told}`);
}
