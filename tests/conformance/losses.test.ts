/** LOCKSTEP_CHECK=arguments warns of what values lose on their way to another process or thread. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { run } from '../support/programs.ts';
import { HANG_MS } from '../support/until.ts';

describe('the check of arguments', { timeout: HANG_MS }, () => {
  const warnings = async (check: string): Promise<string> => {
    const { code, stdout, stderr } = await run('loses', { env: { LOCKSTEP_CHECK: check } });
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' }, stderr);
    return stderr;
  };

  it('names what is lost of arguments, items, messages and results, once for each line', async () => {
    const told = await warnings('order,arguments');
    const expected = [
      /Process "Process-1": args\[0\]\.unit does not arrive, as only the elements of an array do/,
      /Process "Process-1": its result arrives as a plain object, without its class Point and its methods/,
      /Queue: the item\.deep\[0\] arrives as a plain object, without its class Point/,
      /Queue: the item\.deep\[1\]\.get\(k\)\.seen arrives as a value, not as a getter/,
      /Connection: the item\.inner does not arrive, it is not enumerable/,
      /Connection: the item\[Symbol\(tag\)\] does not arrive, its key is a symbol/,
    ];
    for (const each of expected) assert.match(told, each);
    assert.equal(told.match(/LossWarning/g)?.length, expected.length, told);
    assert.match(told, /Queue: the item\.deep\[0\][\s\S]*?\n +at .*loses\.[jt]s/);
  });

  it('does nothing where it is not asked for', async () => {
    assert.equal(await warnings(''), '');
  });
});
