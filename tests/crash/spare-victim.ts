/**
 * A program that dies at its k-th point while it makes a spare, or gives it a job:
 *
 *   node --conditions=lockstep-crash spare-victim.js K making|early|ready
 *
 * `early`: the spare gets its job while it is still being started; `ready`: while it waits.
 */

import './crashing-files.ts';
import { writeSync } from 'node:fs';
import { Process } from 'lockstep';
import { arm, disarm } from './countdown.ts';
import * as targets from './pool-tasks.ts';

const [, , k = '', when = ''] = process.argv;
const begin = (): void => arm(Number(k), (point) => writeSync(1, `died in ${point}\n`));
if (when === 'making') begin();
const ready = Process.warm(1);
if (when !== 'making') {
  if (when === 'ready') await ready;
  const child = new Process({ target: targets.square, args: [3], daemon: true });
  begin();
  child.start();
  console.log(`passed ${disarm()}`);
  await child.join();
} else console.log(`passed ${disarm()}`);
await ready;
await Process.warm(0);
