import assert from 'node:assert/strict';
import { currentThread, isMainProcess, Thread } from 'lockstep';

export function myName(): string {
  return currentThread().name;
}

if (isMainProcess) {
  const thread = new Thread({ target: myName, name: 'writer' });
  thread.start();
  assert.equal(await thread.result, 'writer');
}
