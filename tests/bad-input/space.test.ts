/** Too little room: for the memory, for files, for agents. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { mount, place, removePlace, unmount, whyNoTmpfs } from '../support/places.ts';
import { run } from '../support/programs.ts';
import { listing } from '../support/sandbox.ts';
import { HANG_MS } from '../support/until.ts';

const skip = whyNoTmpfs() ?? false;

const NO_SPACE = 'ERR_LOCKSTEP_NO_SPACE';

interface Outcome {
  code?: string;
  message?: string;
  done?: { made?: boolean; again?: boolean; sum?: number; refusal?: Outcome };
}

describe('a full file system', { skip, timeout: HANG_MS }, () => {
  let base = '';
  beforeEach(() => {
    base = place();
  });
  afterEach(() => {
    unmount(base);
    removePlace(base);
  });

  async function tries(attempt: string, ...args: string[]): Promise<Outcome> {
    const ending = await run('tries', { args: [attempt, ...args], env: { LOCKSTEP_DIR: base } });
    assert.equal(ending.signal, null);
    assert.equal(ending.stderr, '');
    assert.deepEqual(listing(base), [], 'something is left behind');
    return JSON.parse(ending.stdout) as Outcome;
  }

  it('without room for the first segment is an error at construction', async () => {
    mount(base, 'size=64k');
    for (const attempt of ['anonymous', 'named', 'awaiting', 'value']) {
      const outcome = await tries(attempt);
      assert.equal(outcome.code, 'ERR_LOCKSTEP_NO_SPACE', JSON.stringify(outcome));
      assert.match(outcome.message ?? '', /LOCKSTEP_DIR/);
    }
  });

  it('that fills up later refuses new objects; those there go on, and closed ones make room', async () => {
    mount(base, 'size=1m');
    const { done } = await tries('fill');
    assert.equal(done?.refusal?.code, 'ERR_LOCKSTEP_NO_SPACE', JSON.stringify(done));
    assert.equal(done.made, true);
    assert.equal(done.again, true);
  });

  it('too small for a block is an error at construction, whatever its size, and small things go on', async () => {
    mount(base, 'size=1m');
    for (const size of [2_000_000, 1_000_000, 2 ** 33, 2 ** 45]) {
      const { done } = await tries('block', String(size));
      assert.equal(done?.refusal?.code, 'ERR_LOCKSTEP_NO_SPACE', JSON.stringify(done));
      const [, wanted, free] =
        /takes (\d+) bytes and .* has (\d+) free;/.exec(done.refusal.message ?? '') ?? [];
      assert.ok(Number(wanted) >= size && Number(free) < 1_000_000, done.refusal.message);
      assert.equal(done.sum, 6);
    }
    const { done } = await tries('block', '500000');
    assert.equal(done?.refusal, undefined);
  });

  for (const kind of ['Pool', 'ThreadPool']) {
    it(`too small for a value of a ${kind} is the error of that call alone, and no item is left`, async () => {
      mount(base, 'size=6m');
      const ending = await run('pool-without-space', { args: [kind], env: { LOCKSTEP_DIR: base } });
      assert.equal(ending.stderr, '');
      const { done, items } = JSON.parse(ending.stdout) as { done: unknown[]; items: string[] };
      assert.deepEqual(
        done.map((each) =>
          typeof each === 'object' && !Array.isArray(each) ? (each as Outcome).code : each,
        ),
        [10, NO_SPACE, 2 ** 20, 10, NO_SPACE, 2 ** 20, NO_SPACE, NO_SPACE, [1, 2]],
        ending.stdout,
      );
      const [, argument, , , result, , item, streamed] = done as Outcome[];
      const why = /can't put an item of 209\d{5} bytes, the file system of ".*" has no room .* LOCKSTEP_DIR/;
      for (const refused of [argument, result, item, streamed]) assert.match(refused?.message ?? '', why);
      assert.match(argument?.message ?? '', new RegExp(`^${kind}: lengthOf: its arguments can't be sent: `));
      assert.match(result?.message ?? '', new RegExp(`^${kind}: make: its result can't be sent: `));
      assert.deepEqual(items, []);
      assert.deepEqual(listing(base), []);
    });
  }

  // A tmpfs counts its own root, and each file, as an inode.
  for (const inodes of [1, 2, 3, 4]) {
    it(`without room for files (${inodes} inodes) is an error at construction, or enough`, async () => {
      mount(base, `size=4m,nr_inodes=${inodes}`);
      for (const attempt of ['anonymous', 'named', 'awaiting']) {
        const outcome = await tries(attempt);
        if (outcome.done === undefined) {
          assert.equal(outcome.code, 'ERR_LOCKSTEP_NO_SPACE', JSON.stringify(outcome));
        }
      }
      assert.ok(inodes > 2 || (await tries('anonymous')).done === undefined);
    });
  }
});
