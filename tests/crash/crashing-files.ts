/**
 * Makes every call of `node:fs` that can change what others see a point of the countdown: opening
 * (which may create), closing (which gives kernel locks back), writing, linking, renaming,
 * removing.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { point } from './countdown.ts';

const CHANGING = [
  'closeSync',
  'linkSync',
  'mkdirSync',
  'openSync',
  'renameSync',
  'rmSync',
  'rmdirSync',
  'unlinkSync',
  'writeFileSync',
  'writeSync',
] as const;

for (const name of CHANGING) {
  const original: (...args: never[]) => unknown = fs[name];
  Reflect.set(fs, name, (...args: never[]) => {
    point(name);
    return original(...args);
  });
}
syncBuiltinESMExports();
