/**
 * Names in the package as it would be published: a bundler renames classes, and what tells a
 * class's name must not follow it.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { usersEnvironment } from '../support/environment.ts';
import { sandbox } from '../support/sandbox.ts';
import { PackedPackage } from './package.ts';

const PROGRAM = `
import * as lockstep from 'lockstep';
const { Barrier, BoundedSemaphore, Condition, Event, JoinableQueue, Latch, Lock, Queue, RawArray, RawValue, RLock, RWLock,
  Semaphore, ShareableList, SharedArray, SharedMemory, SimpleQueue, Value } = lockstep;
const classes = Object.entries(lockstep).filter(([, value]) => typeof value === 'function' && /^class/.test(value));
const renamed = classes.filter(([name, Class]) => Class.name !== name).map(([name, Class]) => [name, Class.name]);
const made = [[Barrier, 1], [BoundedSemaphore, 1], [Condition], [Event], [JoinableQueue], [Latch, 1], [Lock], [Queue],
  [RawArray, 'i8', 1], [RawValue, 'i8'], [RLock], [RWLock], [Semaphore, 1], [ShareableList, [1]], [SharedArray, 'i8', 1],
  [SharedMemory, { size: 1, create: true }], [SimpleQueue], [Value, 'i8']];
const kinds = [];
for (const [Class, ...args] of made) {
  class Derived extends Class {}
  kinds.push([Class.name, new Class(...args).describe().kind, new Derived(...args).describe().kind]);
}
console.log(JSON.stringify({ classes: classes.length, renamed, kinds }));
// Node prints the source line of an uncaught error.
setTimeout(() => new Lock().release(), 0);
`;

let installed: PackedPackage;
before(() => {
  installed = new PackedPackage();
});
after(() => installed.remove());

test('classes and what they describe have their names, and no line is too long to be printed', () => {
  const file = join(installed.folder, 'names.mjs');
  writeFileSync(file, PROGRAM);
  const env = { ...usersEnvironment(), LOCKSTEP_DIR: sandbox };
  const { stdout, stderr } = spawnSync(process.execPath, [file], { env, encoding: 'utf8' });
  assert.match(stderr, /NotLockedError/);
  assert.ok(
    stderr.split('\n').every((line) => line.length < 2000),
    `a line of ${Math.max(...stderr.split('\n').map(({ length }) => length))} characters`,
  );
  const { classes, renamed, kinds } = JSON.parse(stdout) as {
    classes: number;
    renamed: string[][];
    kinds: [string, string, string][];
  };
  assert.ok(classes > 30, `${classes} classes`);
  assert.deepEqual(renamed, []);
  assert.equal(kinds.length, 18);
  for (const [name, own, derived] of kinds) assert.deepEqual([own, derived], [name, name]);
});
