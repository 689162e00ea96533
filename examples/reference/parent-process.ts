import assert from 'node:assert/strict';
import { isMainProcess, Process, parentProcess } from 'lockstep';

export function myParent(): number | undefined {
  return parentProcess()?.pid;
}

if (isMainProcess) {
  assert.equal(parentProcess(), null);
  const child = new Process({ target: myParent });
  child.start();
  assert.equal(await child.result, process.pid);
}
