import assert from 'node:assert/strict';
import { isMainProcess, ThreadPool } from 'lockstep';

export function shout(text: string): string {
  return text.toUpperCase();
}

if (isMainProcess) {
  const pool = new ThreadPool({ threads: 2 });
  assert.equal(await pool.apply(shout, ['hello']), 'HELLO');
  void pool.close();
  await pool.join();
}
