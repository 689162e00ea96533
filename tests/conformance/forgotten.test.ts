/**
 * An object that a program holds stays held when the garbage collector takes its handle. An object
 * that the program only had open is given back.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BoundedSemaphore, Lock, RLock, RWLock } from 'lockstep';
import { HANG_MS } from '../support/until.ts';

const PROGRAM = fileURLToPath(new URL('../programs/forgets.js', import.meta.url));

describe('objects that are forgotten', { timeout: HANG_MS }, () => {
  it('stay held until their thread ends, and are then told as recovered', async () => {
    const child = spawn(process.execPath, ['--expose-gc', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const handles = JSON.parse(line) as Record<
      'lock' | 'rlock' | 'permits' | 'reads' | 'writes' | 'guarding' | 'free',
      string
    >;
    assert.throws(() => Lock.open(handles.free), { code: 'ERR_LOCKSTEP_STALE_HANDLE' });
    const lock = new Lock({ name: 'single-instance' });
    const others = [RLock.open(handles.rlock), RLock.open(handles.guarding)];
    const permits = BoundedSemaphore.open(handles.permits);
    const reads = RWLock.open(handles.reads);
    const writes = RWLock.open(handles.writes);
    assert.equal(lock.owner?.pid, child.pid);
    for (const each of [lock, ...others]) assert.equal(each.tryAcquire(), null);
    assert.equal(permits.value, 1);
    assert.equal(reads.write.tryAcquire(), null);
    assert.equal(writes.read.tryAcquire(), null);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    for (const each of [lock, ...others]) assert.equal((await each.acquire()).recovered, true);
    await reads.write.acquire();
    await writes.read.acquire();
    assert.equal(permits.value, 2);
  });
});
