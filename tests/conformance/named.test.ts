/** Named objects: shared by programs that know nothing of each other but the name. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { Event, Lock, Semaphore, Value } from 'lockstep';
import { Program, run } from '../support/programs.ts';
import { HANG_MS, until, untilWaiting } from '../support/until.ts';

describe('a named object', { timeout: HANG_MS }, () => {
  const programs: Program[] = [];
  const start = (...args: string[]): Program => {
    const program = new Program('named-lock', { args });
    programs.push(program);
    return program;
  };

  afterEach(async () => {
    for (const program of programs.splice(0)) {
      program.kill('SIGKILL');
      await program.ended;
    }
  });

  it('is the same object for all who use its name, within a program and between programs', async () => {
    const lock = new Lock({ name: 'invoices' });
    const again = new Lock({ name: 'invoices' });
    assert.equal(lock.handle, again.handle);
    assert.equal(again.tryAcquire()?.recovered, false);
    assert.equal(lock.locked, true);
    assert.equal((await run('named-lock', { args: ['invoices', '', 'look'] })).stdout, 'true\n');
    const other = start('invoices', '', 'acquire');
    await untilWaiting(lock, 1);
    assert.equal(other.stdout, '');
    lock.release();
    assert.deepEqual(await other.ended, {
      code: 0,
      signal: null,
      stdout: 'acquired recovered=false\n',
      stderr: '',
    });
    lock.close();
    again.close();
  });

  it('is another one in another namespace', async () => {
    const lock = new Lock({ name: 'invoices', namespace: 'orders' });
    lock.acquireSync();
    assert.equal((await run('named-lock', { args: ['invoices', '', 'look'] })).stdout, 'false\n');
    assert.equal((await run('named-lock', { args: ['invoices', 'orders', 'look'] })).stdout, 'true\n');
    lock.release();
    lock.close();
  });

  it('is freed when the unrelated program that holds it is killed', async () => {
    const lock = new Lock({ name: 'held-by-another' });
    const holder = start('held-by-another', '', 'hold');
    await until(() => holder.stdout !== '', 'the other program to hold it');
    assert.equal(lock.tryAcquire(), null);
    assert.equal(lock.owner?.pid, holder.child.pid);
    const got = lock.acquire();
    await untilWaiting(lock, 1);
    holder.kill('SIGKILL');
    const hold = await got;
    assert.equal(hold.recovered, true);
    hold.release();
    lock.close();
  });

  it('ends when no thread has it open: a later one of that name is new', () => {
    const first = new Semaphore(3, { name: 'permits' });
    first.acquireSync();
    first.close();
    const second = new Semaphore(3, { name: 'permits' });
    assert.equal(second.value, 3);
    second.close();
  });

  it('refuses to be of two kinds', () => {
    const event = new Event({ name: 'one-kind' });
    assert.throws(() => new Lock({ name: 'one-kind' }), { code: 'ERR_LOCKSTEP_NAME_TAKEN' });
    event.close();
    new Lock({ name: 'one-kind' }).close();
  });

  it('may have any name without a slash, of up to 200 bytes', () => {
    for (const name of [
      'a',
      '.',
      '..',
      'names',
      'control',
      ' ',
      'é\n"quoted"',
      'n'.repeat(200),
      '%2F',
      '*',
    ]) {
      const lock = new Lock({ name });
      const same = new Lock({ name });
      assert.equal(same.handle, lock.handle);
      assert.equal(lock.describe().name, name);
      assert.deepEqual(JSON.parse(JSON.stringify(lock)), lock.describe());
      lock.close();
      same.close();
    }
  });

  it('may be a Value, whose initial value is that of its maker', () => {
    const value = new Value('i32', 7, { name: 'counter' });
    const same = new Value('i32', 9, { name: 'counter' });
    assert.equal(same.value, 7);
    value.close();
    same.close();
  });
});
