/**
 * Programs that know nothing of each other but a name: many at once, and again after all of them
 * were killed.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { basename, join, relative } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { Event, Lock, Value } from 'lockstep';
import { place, removePlace } from '../support/places.ts';
import { type Ending, run } from '../support/programs.ts';
import { listing, sandbox } from '../support/sandbox.ts';
import { HANG_MS } from '../support/until.ts';
import { firstOf, Holder } from './holders.ts';

const holders: Holder[] = [];

function start(env: Record<string, string> = {}): Holder {
  const holder = new Holder({ env });
  holders.push(holder);
  return holder;
}

async function killAll(): Promise<void> {
  await Promise.all(holders.splice(0).map((holder) => holder.kill()));
}

function assertWell({ code, signal, stderr }: Ending): void {
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
}

/** The leftovers of the dead in the folder go with the next program that starts. */
async function assertNothingLeft(folder: string): Promise<void> {
  assertWell(await run('tries', { args: ['anonymous'], env: { LOCKSTEP_DIR: folder } }));
  assert.deepEqual(listing(folder), []);
  removePlace(folder);
}

describe('programs that share a name', { timeout: HANG_MS }, () => {
  afterEach(killAll);
  // The leftovers of the killed go with the next program that starts.
  after(() => run('tries', { args: ['anonymous'] }));

  it('count exactly under the lock of that name, blocking and awaiting', async () => {
    using lock = new Lock({ name: 'adding' });
    using total = new Value('i32', 0, { name: 'total', lock: false });
    const endings = await Promise.all(Array.from({ length: 4 }, () => run('adds-named', { args: ['2000'] })));
    for (const ending of endings) assertWell(ending);
    assert.equal(total.value, 8000);
    assert.equal(lock.locked, false);
    assert.deepEqual(
      endings.map(({ stdout }) => stdout),
      Array(4).fill('0\n'),
    );
  });

  for (const [where, rounds, what] of [
    ['same', 50, '50 times in one namespace'],
    ['fresh', 10, '10 times in a fresh namespace'],
  ] as const) {
    it(`get one object when 20 of them make it at the same moment, ${what}`, async () => {
      const count = 20;
      const args = [String(count), String(rounds), where];
      const endings = await Promise.all(Array.from({ length: count }, () => run('first-comers', { args })));
      for (const ending of endings) assertWell(ending);
      const told = endings.map(({ stdout }) => JSON.parse(stdout) as { handles: string[]; totals: number[] });
      for (let round = 0; round < rounds; round++) {
        const handles = new Set(told.map(({ handles }) => handles[round]));
        assert.equal(handles.size, 1, `round ${round}: ${[...handles].join(' and ')}`);
        assert.deepEqual(
          told.map(({ totals }) => totals[round]),
          Array(count).fill(count),
          `round ${round}`,
        );
      }
      assert.deepEqual(
        listing(sandbox).filter((file) => file.includes('/name-')),
        [],
      );
    });
  }

  it('find a fresh object, and nothing is left, when they start again after all were killed', async () => {
    const folder = place();
    for (let time = 0; time < 5; time++) {
      const first = await start({ LOCKSTEP_DIR: folder }).asked();
      const { owner, recovered, starts } = await first.held();
      assert.deepEqual([owner, recovered, starts], [first.pid, false, 1]);
      for (let n = 0; n < 3; n++) await start({ LOCKSTEP_DIR: folder }).asked();
      await killAll();
    }
    await assertNothingLeft(folder);
  });

  it('find a fresh object after all of its users were killed, also where others share the namespace', async () => {
    using _other = new Event({ name: 'other' });
    for (let time = 0; time < 10; time++) {
      const first = await start().asked();
      const { owner, recovered, starts } = await first.held();
      assert.deepEqual([owner, recovered, starts], [first.pid, false, 1], `time ${time}`);
      await start().asked();
      await killAll();
    }
  });

  it('hand the lock on when its holder is killed, one after the other', async () => {
    let holder = start();
    assert.equal((await holder.held()).starts, 1);
    for (let turn = 2; turn <= 5; turn++) {
      const next = await start().asked();
      await holder.kill();
      const { owner, recovered, starts } = await next.held();
      assert.deepEqual([owner, recovered, starts], [next.pid, true, turn]);
      holder = next;
    }
  });

  it('are apart when their LOCKSTEP_DIR differs, and meet however it is written', async () => {
    const here = place();
    const there = place();
    const one = start({ LOCKSTEP_DIR: here });
    const other = start({ LOCKSTEP_DIR: there });
    assert.deepEqual([(await one.held()).starts, (await other.held()).starts], [1, 1]);
    const roundabout = await start({ LOCKSTEP_DIR: `${here}/../${basename(here)}//` }).asked();
    const fromHere = await start({ LOCKSTEP_DIR: relative(process.cwd(), join(here, '.')) }).asked();
    await one.kill();
    const [next, last] = await firstOf(roundabout, fromHere);
    const { recovered, starts } = await next.held();
    assert.deepEqual([recovered, starts, last?.holds], [true, 2, false]);
    await killAll();
    await assertNothingLeft(here);
    await assertNothingLeft(there);
  });
});
