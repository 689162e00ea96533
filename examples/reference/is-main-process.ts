import assert from 'node:assert/strict';
import { isMainProcess, Process } from 'lockstep';

export function whereAmI(): boolean {
  return isMainProcess;
}

// A child imports this module to find its target: without the condition it would start a child.
if (isMainProcess) {
  const child = new Process({ target: whereAmI });
  child.start();
  assert.equal(await child.result, false);
}
