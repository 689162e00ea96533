/**
 * A server that is killed, stopped or cut off while calls wait. "Not in time" is a statement about
 * the object: no call says so while nobody knows.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from 'lockstep/cluster';
import { HANG_MS, until } from '../support/until.ts';
import type { Row } from './outages/rows.ts';
import { rowsOf } from './outages/rows.ts';
import type { Place, Way } from './outages/ways.ts';
import { placeAt, WAYS } from './outages/ways.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
/** A silent server is noticed after a second: a third of this. */
const LEASE_MS = 3_000;
/** Of a connection that is to lose its session. */
const SHORT_MS = 1_000;
const LONG_MS = 60_000;

interface Scene {
  readonly place: Place;
  readonly holder: Cluster;
  readonly member: Cluster;
}

/** Calls of each row that wait at the server when it goes away, well before their time is over. */
async function waitsAway({ place, holder, member }: Scene): Promise<[Row, Promise<unknown>][]> {
  for (let timeout = 500; ; timeout *= 2) {
    const rows = rowsOf(`t${timeout}`);
    for (const { arrange } of rows) await arrange?.(holder);
    const begun = performance.now();
    const calls = rows.map((row): [Row, Promise<unknown>] => [row, row.call(member, { timeout })]);
    const settled = Promise.allSettled(calls.map(([, call]) => call));
    const all = async (): Promise<boolean> => {
      const waiting = await Promise.all(rows.map((row) => row.waiting(holder)));
      return waiting.every((count) => count === 1) || performance.now() - begun > timeout / 2;
    };
    await until(all, 'every call to wait');
    await place.putAway();
    if (performance.now() - begun < timeout * 0.8) return calls;
    // Some may have ended before: a slow machine gets more time.
    await place.bringBack();
    await settled;
    await until(() => member.state === 'connected' && holder.state === 'connected', 'both to be back');
  }
}

function assertUnknown({ title }: Row, outcome: PromiseSettledResult<unknown>): void {
  if (outcome.status === 'fulfilled') assert.fail(`${title}: resolved to ${String(outcome.value)}`);
  const { code, message } = outcome.reason as { code: string; message: string };
  // A party whose lease ends can't go on, and a `put` under way may have been done.
  if (/^Barrier|put"$/.test(title) && code === 'ERR_LOCKSTEP_LEASE_LOST') return;
  assert.equal(code, 'ERR_LOCKSTEP_STORE', message);
  assert.ok(message.startsWith(`${title}: `), message);
  assert.match(message, /can't be reached, .*; try again when it is back$/);
}

async function isAway(scene: Scene): Promise<void> {
  const { place, holder, member } = scene;
  const [careful, patient] = [await place.join(LONG_MS), await place.join(SHORT_MS)];
  const condition = careful.condition('careful');
  const hold = await condition.acquire();
  // A `put` that is under way when the lease ends rejects: the server may have the item.
  const lasting = rowsOf('lasting').filter(({ free, title }) => free !== undefined && !title.includes('put'));
  for (const { arrange } of lasting) await arrange?.(holder);
  const waits = lasting.map((row) => row.call(patient, {}));
  await until(
    async () => (await Promise.all(lasting.map((row) => row.waiting(holder)))).every((count) => count === 1),
    'those without a timeout to wait',
  );
  const lost = once(patient, 'lost');

  const calls = await waitsAway(scene);
  let back = false;
  const notified = condition.wait({ timeout: 1 }).then((value) => ({ value, back }));
  // A timeout of 0 asks once, and has no answer either.
  const tries = rowsOf('try').map((row): [Row, Promise<unknown>] => [row, row.call(member, { timeout: 0 })]);
  const all = [...calls, ...tries];
  const outcomes = await Promise.allSettled(all.map(([, call]) => call));
  for (const [index, outcome] of outcomes.entries()) assertUnknown(all[index]![0], outcome);
  await lost;
  await sleep(0);
  back = true;
  await place.bringBack();

  assert.deepEqual(await notified, { value: false, back: true });
  assert.ok(hold.valid);
  await hold.release();
  for (const [row] of all)
    await until(async () => (await row.waiting(holder)) === 0, `nobody to wait for ${row.title}`);
  for (const row of lasting) {
    await until(async () => (await row.waiting(holder)) === 1, `${row.title} to wait again`);
    await row.free!(holder);
  }
  await Promise.all(waits);
  await Promise.all([careful.close(), patient.close()]);
}

async function test(kind: 'Redis' | 'PostgreSQL', way: Way): Promise<void> {
  const place = await placeAt(kind, way);
  const [holder, member] = [await place.joinDirectly(LONG_MS), await place.join(LEASE_MS)];
  try {
    await isAway({ place, holder, member });
  } finally {
    await place.bringBack();
    await Promise.all([holder.close(), member.close()]);
    await place.end();
  }
}

describe('a server out of reach', { concurrency: true }, () => {
  for (const kind of ['Redis', 'PostgreSQL'] as const)
    for (const way of WAYS) {
      const skip = !deep && kind === 'PostgreSQL' && way !== 'cut' && 'in test:deep';
      it(`${kind}, ${way}`, { timeout: HANG_MS, skip }, () => test(kind, way));
    }
});
