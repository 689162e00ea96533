import assert from 'node:assert/strict';
import { currentTask, isMainProcess, Pool } from 'lockstep';

export function forever(): number {
  const task = currentTask();
  if (task === undefined) throw new Error('not called by a pool');
  task.report('begun');
  for (let rounds = 0; ; rounds++) {
    if (task.aborted) return rounds; // one read of shared memory, also in a loop without `await`
  }
}

if (isMainProcess) {
  const pool = new Pool({ processes: 1 });
  const stop = new AbortController();
  const call = pool.apply(forever, [], { signal: stop.signal, onReport: () => stop.abort() });
  await assert.rejects(call, { name: 'AbortError' });
  void pool.close();
  await pool.join();
}
