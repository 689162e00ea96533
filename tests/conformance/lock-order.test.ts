/**
 * LOCKSTEP_CHECK=order warns of orders of taking locks that could deadlock, though they did not.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { run } from '../support/programs.ts';

const WARNING = /LockOrderWarning/g;

for (const style of ['blocking', 'awaiting']) {
  describe(`the order check, of locks taken ${style}`, () => {
    const warnings = async (orders: string, check = 'order'): Promise<string> => {
      const { code, stdout, stderr } = await run('orders', {
        args: [style, ...orders.split(' ')],
        env: { LOCKSTEP_CHECK: check },
      });
      assert.deepEqual({ code, stdout }, { code: 0, stdout: '' }, stderr);
      return stderr;
    };

    it('warns once a pair, with the agents and places of both orders', async () => {
      const told = await warnings('ab ba ab ba');
      assert.equal(told.match(WARNING)?.length, 1, told);
      assert.match(told, /can deadlock, though they did not this time/);
      assert.match(told, /Process-2 \(pid \d+\) took Lock "a" while it held Lock "b"\n +at .*orders\.[jt]s/);
      assert.match(told, /Process-1 \(pid \d+\) took Lock "b" while it held Lock "a"\n +at .*orders\.[jt]s/);
    });

    it('warns of a longer way round', async () => {
      const told = await warnings('ab bc ca');
      assert.equal(told.match(WARNING)?.length, 1, told);
      assert.match(told, /took Lock "a" while it held Lock "c"/);
    });

    it('says nothing where all take them in one order, or with one more lock in hand', async () => {
      assert.equal(await warnings('abc ab bc ac'), '');
      assert.equal(await warnings('gab gba'), '');
    });

    it('does nothing where it is not asked for, and says so where it is asked for by a wrong word', async () => {
      assert.equal(await warnings('ab ba', ''), '');
      assert.match(
        await warnings('ab', 'odrer'),
        /LOCKSTEP_CHECK=odrer: ignored, it can be a list of "order" and "arguments"/,
      );
    });
  });
}
