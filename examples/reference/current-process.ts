import assert from 'node:assert/strict';
import { currentProcess, isMainProcess, Process } from 'lockstep';

export function myName(): string {
  return currentProcess().name;
}

if (isMainProcess) {
  const child = new Process({ target: myName, name: 'reader' });
  child.start();
  assert.equal(await child.result, 'reader');
}
