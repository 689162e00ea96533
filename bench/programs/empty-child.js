// The smallest program that starts a child. The arguments say what the child is, and does.
import { writeSync } from 'node:fs';
import { isMainProcess, Process, Thread } from 'lockstep';

export function nothing() {}

export function residentBytes() {
  return process.memoryUsage.rss();
}

if (isMainProcess) {
  // The program that runs the child in place of Node.
  process.execPath = process.argv[4] ?? process.execPath;
  const Child = process.argv[2] === 'thread' ? Thread : Process;
  const child = new Child({ target: process.argv[3] === 'rss' ? residentBytes : nothing });
  child.start();
  const result = await child.result;
  if (result !== undefined) writeSync(1, String(result));
}
