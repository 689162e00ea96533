// Runs a command, one at a time on this machine: node one-at-a-time.js tests npm test

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Lock } from 'lockstep';

const [name = '', command = '', ...args] = process.argv.slice(2);
const lock = new Lock({ name: `one-at-a-time:${name}` });
let hold = lock.tryAcquire();
if (hold === null) {
  console.error(`waiting for ${name}: pid ${lock.owner?.pid} has it`);
  hold = await lock.acquire();
}
const child = spawn(command, args, { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.once('error', (error) => {
  console.error(error.message);
  process.exitCode = 127;
});
// The lock is held until this program ends; `close` is also emitted after an `error`.
child.once('close', (code, signal) => {
  if (process.exitCode === undefined) process.exitCode = code ?? 128 + constants.signals[signal ?? 'SIGTERM'];
  hold.release();
});
