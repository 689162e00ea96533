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

/** Each entry point has its own copy of the classes of errors. */
const ERRORS = `
import * as lockstep from 'lockstep';
import * as cluster from 'lockstep/cluster';
import * as memory from 'lockstep/memory';
import { inspectNamespace } from 'lockstep/inspect';
const errors = Object.entries(lockstep).filter(([, Class]) => Class.prototype instanceof Error);
const strangers = [];
for (const [name, Class] of errors) {
  const { [name]: Other = memory[name] } = cluster;
  if (Other === undefined) continue;
  const made = new Other('a message', 'a second', 'a third');
  const others = errors.filter(([, each]) => made instanceof each).map(([each]) => each);
  const own = new Class('a message', 'a second', 'a third');
  const expected = errors.filter(([, each]) => own instanceof each).map(([each]) => each);
  if (others.join() !== expected.join() || !(own instanceof Other)) strangers.push([name, others, expected]);
}
class Derived extends lockstep.ClosedError {}
const foreign = new cluster.ClosedError('a message');
let thrown;
try { inspectNamespace('/'); } catch (error) { thrown = error; }
console.log(JSON.stringify({
  copies: errors.filter(([name, Class]) => cluster[name] !== undefined && cluster[name] !== Class).length,
  strangers,
  renamed: [cluster, memory].flatMap((each) => Object.entries(each)).filter(([name, Class]) =>
    name.endsWith('Error') && Class.name !== name).map(([name, Class]) => [name, Class.name]),
  derived: foreign instanceof Derived,
  isNameError: thrown instanceof lockstep.NameError && thrown instanceof lockstep.LockstepError,
  isClosedError: thrown instanceof lockstep.ClosedError,
  nothing: [null, undefined, 1, {}, new Error('x')].some((each) => each instanceof lockstep.LockstepError),
}));
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

test('an error of one entry point is an instance of the class of any other', () => {
  const file = join(installed.folder, 'errors.mjs');
  writeFileSync(file, ERRORS);
  const env = { ...usersEnvironment(), LOCKSTEP_DIR: sandbox };
  const { stdout, stderr } = spawnSync(process.execPath, [file], { env, encoding: 'utf8' });
  assert.equal(stderr, '');
  const { copies, ...told } = JSON.parse(stdout) as { copies: number };
  assert.ok(copies >= 5, `${copies} classes are there twice`);
  assert.deepEqual(told, {
    strangers: [],
    renamed: [],
    derived: false,
    isNameError: true,
    isClosedError: false,
    nothing: false,
  });
});
