import assert from 'node:assert/strict';
import { isMainProcess, SharedArray, Thread } from 'lockstep';

export function square(numbers: SharedArray<'f64'>): void {
  for (let index = 0; index < numbers.length; index++) numbers.set(index, numbers.at(index) ** 2);
}

if (isMainProcess) {
  const numbers = new SharedArray('f64', [1, 2, 3]);
  const thread = new Thread({ target: square, args: [numbers] });
  thread.start();
  await thread.join();
  assert.deepEqual(numbers.toArray(), [1, 4, 9]);
}
