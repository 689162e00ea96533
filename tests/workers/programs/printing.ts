/** A program whose child prints more than a pipe holds. */

import { isMainProcess, Process } from 'lockstep';
import { prints } from '../leavings.ts';

if (isMainProcess) {
  const child = new Process({ target: prints, args: [1_000_000] });
  child.start();
  await child.join();
  process.exitCode = child.exitCode ?? 1;
}
