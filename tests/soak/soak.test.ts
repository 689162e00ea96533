/** A short run of the soak; `npm run soak` runs long ones. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { run } from '../support/programs.ts';
import { HANG_MS } from '../support/until.ts';

const soak = (...args: string[]): ReturnType<typeof run> => run('../soak/soak', { args });

describe('a soak', { timeout: HANG_MS }, () => {
  it('finds all that must hold holding, while members are killed, stopped and replaced', async () => {
    const { code, stdout, stderr } = await soak('--minutes', '0.25');
    assert.equal(stderr, '');
    assert.equal(code, 0, stdout);
    for (const none of ['violations', 'files left', 'orphan processes']) {
      assert.match(stdout, new RegExp(`^${none} +0$`, 'm'));
    }
    for (const some of [
      'kills',
      'stops',
      'rests',
      'operations: Barrier',
      'operations: Queue',
      'operations: Pipe',
    ]) {
      assert.match(stdout, new RegExp(`^${some} +[1-9]`, 'm'));
    }
  });

  it('refuses bad options, with a word on what is wrong', async () => {
    for (const [args, told] of [
      [['--minutes', 'soon'], /--minutes "soon": refused, it is not a number/],
      [['--minutes', '0'], /--minutes 0: refused, it is not between/],
      [['--minutes='], /--minutes "": refused/],
      [['--seed', '1.5'], /--seed 1\.5: refused/],
      [['--second', '1'], /Unknown option '--second'/],
      [['now'], /Unexpected argument 'now'/],
    ] as const) {
      const { code, stdout, stderr } = await soak(...args);
      assert.match(stderr, told);
      assert.deepEqual([code, stdout], [2, '']);
    }
  });

  it('tells how it is used', async () => {
    const { code, stdout } = await soak('--help');
    assert.match(stdout, /--minutes <number>/);
    assert.equal(code, 0);
  });
});
