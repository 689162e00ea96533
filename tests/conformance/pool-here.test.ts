/** A pool with `processes: 0`: the same calls, in the pool's own thread. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { currentTask, Pool, range, ThreadPool } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { rejection } from '../support/pools.ts';
import { HANG_MS } from '../support/until.ts';

describe('A pool with processes: 0', { timeout: HANG_MS }, () => {
  it('runs tasks in this process, whose arguments and results are copies', async () => {
    for (const pool of [new Pool(0), new ThreadPool({ threads: 0 })]) {
      assert.equal(await pool.apply(targets.whoami), process.pid);
      const object = { value: 1 };
      assert.equal(await pool.apply(targets.double, [object]), 2);
      assert.equal(object.value, 1);
      assert.notEqual(await pool.apply(targets.same, [object]), object);
      assert.equal((await rejection(pool.apply(targets.returnFunction))).code, 'ERR_LOCKSTEP_NOT_SENDABLE');
      assert.match((await rejection(pool.apply(targets.fail, [3]))).message, /3/);
      assert.match((await rejection(pool.apply(targets.neverReadable))).message, /can't be sent either/);
      assert.equal(pool.size, 1);
      await pool.close();
      assert.equal(pool.size, 0);
    }
  });

  it('maps, streams and times out as with processes', async () => {
    await using pool = new Pool(0);
    const squares = Array.from({ length: 1000 }, (_, n) => n * n);
    assert.deepEqual(await pool.map(targets.square, range(1000)), squares);
    const read: number[] = [];
    for await (const square of pool.imap(targets.square, range(1e9))) {
      read.push(square);
      if (read.length === 10) break;
    }
    assert.deepEqual(read, squares.slice(0, 10));
    const late = await rejection(pool.apply(targets.untilAborted, [], { timeout: 20 }));
    assert.equal(late.code, 'ERR_LOCKSTEP_TASK_TIMEOUT');
    assert.equal(await pool.apply(targets.add, [1, 2]), 3);
  });

  it('a task that does not stop is left behind, and the next one runs', async () => {
    await using pool = new Pool({ processes: 0, grace: 10 });
    const controller = new AbortController();
    const never = pool.apply(targets.later, ['late', 500], { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 20);
    assert.equal((await rejection(never)).message, 'enough');
    assert.equal(await pool.apply(targets.add, [1, 2]), 3);
  });

  it('a target in the main module, which awaits it while it loads, is refused', () => {
    const program = fileURLToPath(new URL('../programs/awaits-itself.js', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^8 ERR_LOCKSTEP_TARGET .*"twice".* it is the main module, .* pass the function/);
  });

  it('has initializer, state and the current task, and none of it outside', async () => {
    const pool = new Pool({ processes: 0, initializer: targets.connect, initArgs: ['here'] });
    const { aborted, state } = await pool.apply(targets.askTask);
    assert.equal(aborted, false);
    assert.equal(state.text, 'here');
    assert.equal(currentTask(), undefined);
    const failing = new Pool({ processes: 0, initializer: targets.failToConnect });
    assert.equal((await rejection(failing.apply(targets.add, [1, 2]))).code, 'ERR_LOCKSTEP_POOL_BROKEN');
    await failing.terminate();
    await pool.close();
  });

  it('blocks for what ends at once, and refuses the rest', async () => {
    const pool = new Pool(0);
    assert.equal(pool.applySync(targets.add, [1, 2]), 3);
    assert.deepEqual(pool.mapSync(targets.square, [1, 2, 3]), [1, 4, 9]);
    assert.throws(() => pool.applySync(targets.fail, [1]), /1/);
    assert.throws(() => pool.applySync(targets.later, ['x', 1]), { code: 'ERR_LOCKSTEP_STATE' });
    assert.throws(() => pool.mapSync(targets.failAt3, [1, 2, 3, 4], { stopOnError: true }), /3/);
    const settled = pool.mapSync(targets.fail, [1], { settled: true } as never) as unknown[];
    assert.equal((settled[0] as { status: string }).status, 'rejected');
    const options = { signal: AbortSignal.abort(new Error('enough')) };
    assert.throws(() => pool.applySync(targets.add, [1, 2], options), /enough/);
    assert.throws(() => pool.mapSync(targets.square, [1], options), /enough/);
    const closing = pool.close();
    assert.throws(() => pool.joinSync(), { code: 'ERR_LOCKSTEP_STATE' });
    await closing;
    assert.equal(pool.joinSync(), true);
  });

  it('runs functions of the main module, while that awaits them', () => {
    const program = fileURLToPath(new URL('../programs/has-pool-here.js', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
      encoding: 'utf8',
      timeout: HANG_MS,
    });
    assert.deepEqual([status, stdout], [0, '9 10 49 4,9 5\n'], stderr);
  });

  it('does not keep the program running when it is idle', () => {
    const program = `
      const { Pool } = await import(${JSON.stringify(import.meta.resolve('lockstep'))});
      const pool = new Pool(0);
      const { add } = await import(${JSON.stringify(new URL('../support/pool-targets.js', import.meta.url).href)});
      console.log(await pool.apply(add, [1, 2]));`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: HANG_MS,
    });
    assert.deepEqual([status, stdout], [0, '3\n'], stderr);
  });
});
