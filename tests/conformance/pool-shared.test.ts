/** Shared pools: one for all code of a thread, which nobody closes. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { run } from '../support/programs.ts';
import { HANG_MS } from '../support/until.ts';

for (const kind of ['Pool', 'ThreadPool'] as const) {
  it(`${kind}.shared() is one pool, which its users can't end, and which lets the program end`, {
    timeout: HANG_MS,
  }, async () => {
    const { code, stdout, stderr } = await run('shares-pool', { args: [kind] });
    assert.equal(stderr.replace(/^.*: --no-such-option is not allowed in NODE_OPTIONS\n/gm, ''), '');
    assert.equal(code, 0);
    const { refusals, blocking, broken, ...found } = JSON.parse(stdout);
    const [time, count, initializer] = refusals as [string, string, string];
    const advice = 'pass options only where the program first calls it, or make a pool of your own';
    const refused = `${kind}.shared: refused`;
    const theDefault = 'and the shared pool was made with the default';
    assert.equal(time, `${refused}, idleTimeout is 50, ${theDefault}; ${advice}`);
    assert.match(
      count,
      /refused, (processes|threads) is 1, and the shared pool was made with \{ min: 0, max: /,
    );
    assert.match(initializer, /refused, unknown option `initializer`; there are /);
    assert.match(blocking, new RegExp(`^${kind} "shared": joinSync refused, other code of this program`));
    assert.deepEqual(found, {
      isSame: true,
      isOfKind: true,
      ends: ['ERR_LOCKSTEP_STATE', 'ERR_LOCKSTEP_STATE', 'ERR_LOCKSTEP_STATE'],
      size: kind === 'Pool' ? 1 : 0,
      squares: [1, 4, 9],
      mapped: 50,
      others: true,
      inside: ['the worker', 7, 'the worker', 7],
      reports: ['from inside', 'from inside'],
      thread: 25,
    });
    if (kind === 'Pool')
      assert.deepEqual(broken, { before: 'ERR_LOCKSTEP_POOL_BROKEN', isSame: false, after: 9 });
  });
}
