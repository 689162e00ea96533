import assert from 'node:assert/strict';
import type { Connection } from 'lockstep';
import { isMainProcess, Pipe, Process } from 'lockstep';

export async function answer(end: Connection): Promise<void> {
  for await (const text of end) await end.send(String(text).toUpperCase());
}

if (isMainProcess) {
  const [here, there] = Pipe();
  new Process({ target: answer, args: [there] }).start();
  there.close(); // the child has it now
  await here.send('hello');
  assert.equal(await here.recv({ timeout: 60_000 }), 'HELLO');
  here.close(); // ends the child's loop
}
