import assert from 'node:assert/strict';
import { isMainProcess, Process, Value } from 'lockstep';

export function add(total: Value, by: number): string {
  total.add(by);
  return `added ${by}`;
}

if (isMainProcess) {
  const total = new Value('i32', 0);
  const child = new Process({ target: add, args: [total, 5], name: 'adder' });
  child.start();
  assert.equal(await child.result, 'added 5');
  assert.equal(await child.join(), true);
  assert.equal(child.exitCode, 0);
  assert.equal(total.value, 5);
}
