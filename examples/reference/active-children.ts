import assert from 'node:assert/strict';
import { activeChildren, Event, isMainProcess, Process } from 'lockstep';

export async function wait(until: Event): Promise<void> {
  await until.wait();
}

if (isMainProcess) {
  const until = new Event();
  const child = new Process({ target: wait, args: [until] });
  child.start();
  assert.deepEqual(activeChildren(), [child]);
  until.set();
  await child.join();
  assert.deepEqual(activeChildren(), []);
}
