// Outlives a run of the tests, `test-watchdog.mjs FOLDER`: when its standard input ends, that is
// when the runner has ended, it kills every process whose environment names the run's folder, and
// removes the folder. A runner that is killed can't do that itself.
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { killAll, processesNaming } from '../build/tests/support/processes.js';

const [, , folder] = process.argv;
/** Milliseconds between two looks: a process that is being killed may just have started another. */
const INTERVAL = 50;

// A signal to the terminal's processes is meant for the runner.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
process.stdin.resume().on('end', async () => {
  for (let left = processesNaming(folder); left.length > 0; left = processesNaming(folder)) {
    killAll(left);
    await sleep(INTERVAL);
  }
  rmSync(folder, { recursive: true, force: true });
});
