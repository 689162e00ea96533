// Sends as many messages of a kind as it is asked for, to a parent process or thread.
import { parentPort } from 'node:worker_threads';
import { makerOf } from '../messages.js';

if (parentPort) {
  const port = parentPort;
  port.on('message', ({ kind, count }) => {
    const make = makerOf(kind);
    for (let i = 0; i < count; i++) port.postMessage(make(i));
  });
} else {
  process.on('message', (/** @type {{ kind: string, count: number }} */ { kind, count }) => {
    const make = makerOf(kind);
    for (let i = 0; i < count; i++) process.send?.(make(i));
  });
}
