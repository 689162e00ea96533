/**
 * Stops before a call of `node:fs`, so that somebody else can do something just then:
 * `paused enter|sweep <signs> <points>`.
 *
 * For each k below `points` there is a folder `…k<k>`. The program stops once in each: before the
 * k-th call after the first one that names it. It says so by a file `at-<k>` in the folder `signs`,
 * and goes on when there is a file `go-<k>`.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Lock } from 'lockstep';

const [, , what, signs = '', points = ''] = process.argv;
const { writeFileSync, existsSync } = fs;
const pause = new Int32Array(new SharedArrayBuffer(4));
let current = -1;
let count = 0;

for (const name of [
  'closeSync',
  'fstatSync',
  'linkSync',
  'lstatSync',
  'mkdirSync',
  'openSync',
  'readFileSync',
  'readSync',
  'readdirSync',
  'renameSync',
  'rmSync',
  'rmdirSync',
  'statSync',
  'unlinkSync',
  'writeFileSync',
  'writeSync',
] as const) {
  const original: (...args: never[]) => unknown = fs[name];
  Reflect.set(fs, name, (...args: never[]) => {
    const named = /lockstep-\d+[.~]k(\d+)$/.exec(String(args[0]))?.[1];
    if (named !== undefined && Number(named) !== current) {
      current = Number(named);
      count = 0;
    }
    if (count++ === current) {
      writeFileSync(`${signs}/at-${current}`, name);
      while (!existsSync(`${signs}/go-${current}`)) Atomics.wait(pause, 0, 0, 1);
    }
    return original(...args);
  });
}
syncBuiltinESMExports();

/** Code of the error, or `done`. */
function codeOf(act: () => void): unknown {
  try {
    act();
    return 'done';
  } catch (error) {
    return Reflect.get(error as object, 'code') ?? String(error);
  }
}

function enter(namespace: string): void {
  const lock = new Lock({ namespace, name: 'x' });
  lock.acquireSync().release();
  lock.close();
}

const outcomes: unknown[] = [];
if (what === 'sweep') outcomes.push(codeOf(() => new Lock().close()));
else for (let k = 0; k < Number(points); k++) outcomes.push(codeOf(() => enter(`k${k}`)));
current = -1;
console.log(JSON.stringify(outcomes));
