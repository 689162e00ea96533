import assert from 'node:assert/strict';
import { asCompleted, isMainProcess, Pool } from 'lockstep';

export async function wait(milliseconds: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return milliseconds;
}

if (isMainProcess) {
  await using pool = new Pool({ processes: 2 });
  const tasks = [500, 5].map((milliseconds) => pool.submit(wait, [milliseconds]));
  const results: number[] = [];
  for await (const result of asCompleted(tasks)) results.push(result);
  assert.deepEqual(results, [5, 500]);
}
