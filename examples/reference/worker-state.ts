import assert from 'node:assert/strict';
import { isMainProcess, Pool, workerState } from 'lockstep';

export function openDictionary(): Map<string, string> {
  return new Map([['lock', '锁']]); // once in each worker
}

export function translate(word: string): string | undefined {
  return workerState(openDictionary).get(word);
}

if (isMainProcess) {
  const pool = new Pool({ processes: 1, initializer: openDictionary });
  assert.equal(await pool.apply(translate, ['lock']), '锁');
  void pool.close();
  await pool.join();
}
