/** The library's effects on the program that uses it: nothing that outlives its use. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Program, run } from '../support/programs.ts';
import { sandbox } from '../support/sandbox.ts';
import { HANG_MS, until } from '../support/until.ts';

describe('a program that uses Lockstep', { timeout: HANG_MS }, () => {
  it('ends when its work is done, though it closed nothing and holds a lock, and leaves nothing behind', async () => {
    assert.deepEqual(await run('uses-all'), { code: 0, signal: null, stdout: 'done 5\n', stderr: '' });
    assert.deepEqual(readdirSync(sandbox), []);
  });

  it('is kept alive by an await, and only while it waits', async () => {
    const ending = await run('awaits');
    assert.deepEqual(ending, { code: 0, signal: null, stdout: 'acquired\ntrue\nfalse\n', stderr: '' });
  });

  it('awaits a thousand times on one object without a thread of the pool, each getting its turn', async () => {
    const { code, stdout, stderr } = await run('thousand', { env: { UV_THREADPOOL_SIZE: '1' } });
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      meanwhile: { waiting: 1000, passed: 0, read: true },
      passed: 1000,
      most: 1,
      left: [false, 0],
    });
  });

  it('has no signal or error handlers that it did not install, and ends by a signal as any other', async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
      const program = new Program('handlers');
      await until(() => program.stdout.endsWith('\n'), 'the program to wait');
      program.kill(signal);
      const ending = await program.ended;
      assert.equal(ending.signal, signal);
      assert.deepEqual(JSON.parse(ending.stdout), { signals: [], errors: [] });
    }
  });

  it('does not grow by objects that it made and closed, or forgot', async () => {
    const { code, stdout, stderr } = await run('many-locks', { nodeArgs: ['--expose-gc'] });
    assert.equal(code, 0, stderr);
    const { start, closed, collected } = JSON.parse(stdout) as Record<string, number>;
    assert.equal(closed, start, 'closed ones took memory');
    // Forgotten ones are given back when they are collected, so a few thousand may be there at a
    // time.
    assert.ok(Number(collected) <= Number(start) + 4 * 1024 * 64 * 4, `grew from ${start} to ${collected}`);
  });

  it('sweeps away what killed programs left', async () => {
    const killed = new Program('handlers');
    await until(() => killed.stdout.endsWith('\n'), 'the program to wait');
    assert.notDeepEqual(readdirSync(sandbox), []);
    killed.kill('SIGKILL');
    await killed.ended;
    const ending = await run('uses-all');
    assert.equal(ending.code, 0, ending.stderr);
    assert.deepEqual(readdirSync(sandbox), []);
  });
});
