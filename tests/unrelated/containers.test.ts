/**
 * Programs in pid and mount namespaces of their own that share nothing but the folder: as in
 * containers.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { Lock, Value } from 'lockstep';
import { place, removePlace } from '../support/places.ts';
import { run } from '../support/programs.ts';
import { OWN_EVERYTHING, OWN_PIDS, seeing, whyNot } from '../support/unshare.ts';
import { HANG_MS } from '../support/until.ts';
import { firstOf, Holder } from './holders.ts';

const holders: Holder[] = [];

function start(...of: ConstructorParameters<typeof Holder>): Holder {
  const holder = new Holder(...of);
  holders.push(holder);
  return holder;
}

async function killAll(): Promise<void> {
  await Promise.all(holders.splice(0).map((holder) => holder.kill()));
}

describe("programs that don't see each other's processes", {
  timeout: HANG_MS,
  skip: whyNot(OWN_PIDS),
}, () => {
  afterEach(killAll);
  // The leftovers of the killed go with the next program that starts.
  after(() => run('tries', { args: ['anonymous'] }));

  for (const [what, within] of [
    ['their pids', OWN_PIDS],
    ['everything but the files', OWN_EVERYTHING],
  ] as const) {
    it(`count exactly under a named lock, with ${what} to themselves`, { skip: whyNot(within) }, async () => {
      using total = new Value('i32', 0, { name: 'total', lock: false });
      const endings = await Promise.all(
        [within, within, within, []].map((each) => run('adds-named', { args: ['2000'], within: each })),
      );
      const told = endings.map(({ code, stdout, stderr }) => [code, stdout, stderr]);
      assert.deepEqual(told, Array(4).fill([0, '0\n', '']));
      assert.equal(total.value, 8000);
    });
  }

  it('exclude each other though both have pid 1, and the next gets the lock of one that was killed', async () => {
    const first = start({ within: OWN_PIDS });
    assert.deepEqual(await first.held(), { pid: 1, owner: 1, recovered: false, starts: 1 });
    const second = await start({ within: OWN_PIDS }).asked();
    const third = await start().asked();
    assert.deepEqual([second.holds, third.holds], [false, false]);
    await first.kill();
    const [next, last] = await firstOf(second, third);
    const { recovered, starts } = await next.held();
    assert.deepEqual([recovered, starts, last?.holds], [true, 2, false]);
    await next.kill();
    const end = await last?.held();
    assert.deepEqual([end?.recovered, end?.starts], [true, 3]);
  });

  it("don't take the end of a child for that of another program's child with the same pid", async () => {
    const holder = start({ within: OWN_PIDS }, 'child');
    const { pid } = await holder.held();
    const same: boolean[] = [];
    for (let time = 0; time < 5; time++) {
      const { code, stdout, stderr } = await run('ends-child', { within: OWN_PIDS });
      assert.deepEqual([code, stderr], [0, '']);
      const told = JSON.parse(stdout) as { pid: number; owner: number; had: boolean };
      assert.deepEqual([told.owner, told.had], [pid, false]);
      same.push(told.pid === pid);
    }
    assert.ok(same.includes(true), 'no child had the same pid');
    using lock = new Lock({ name: 'held' });
    assert.equal(lock.owner?.pid, pid);
  });

  const skip = whyNot(seeing(tmpdir(), tmpdir()));
  it('meet in a folder that each sees at another path', { skip }, async () => {
    const shared = place();
    const paths = Array.from({ length: 2 }, () => mkdtempSync(join(tmpdir(), 'lockstep-seen-')));
    try {
      const [first, second] = paths.map((path) =>
        start({ within: seeing(shared, path), env: { LOCKSTEP_DIR: path } }),
      );
      const third = start({ env: { LOCKSTEP_DIR: shared } });
      const all = [first as Holder, second as Holder, third] as const;
      for (const each of all) await each.asked();
      let left: [Holder, ...Holder[]] = [...all];
      for (let turn = 1; turn <= all.length; turn++) {
        const [holder, ...others] = await firstOf(...left);
        const { recovered, starts } = await holder.held();
        assert.deepEqual([recovered, starts, others.some(({ holds }) => holds)], [turn > 1, turn, false]);
        await holder.kill();
        left = others as [Holder, ...Holder[]];
      }
      await run('tries', { args: ['anonymous'], env: { LOCKSTEP_DIR: shared } });
    } finally {
      await killAll();
      for (const path of paths) rmdirSync(path);
      removePlace(shared);
    }
  });
});
