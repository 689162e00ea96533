/** Labels of objects without a name, and the deadlocks that are kept. */

import assert from 'node:assert/strict';
import type { SpawnSyncReturns } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  Condition,
  DeadlockError,
  Event,
  InvalidTypeError,
  Lock,
  NameError,
  NotLockedError,
  Queue,
  SharedArray,
  Value,
} from 'lockstep';
import { explainPast, lastDeadlocks, takeSnapshot } from 'lockstep/inspect';
import { root } from '../docs/markdown.ts';
import { sandbox } from '../support/sandbox.ts';

const COMMAND = join(root, 'dist/cli/lockstep.js');
const ENVIRONMENT = { ...process.env, LOCKSTEP_DIR: sandbox, NODE_OPTIONS: undefined };
const folderOf = (namespace: string): string => `${sandbox}/lockstep-${userInfo().uid}.${namespace}`;

function titlesIn(namespace: string): string[] {
  return takeSnapshot({ folders: [folderOf(namespace)] }).namespaces.flatMap(({ objects }) =>
    objects.map(({ title }) => title),
  );
}

test('an object without a name is called by its label, in errors and in the tools', () => {
  const at = { namespace: 'labelled' };
  const lock = new Lock({ ...at, label: 'cache of users' });
  assert.throws(() => lock.release(), {
    name: NotLockedError.name,
    message: /^Lock \(cache of users\): /,
  });
  assert.equal(String(lock), '<Lock (cache of users) free>');
  const others = [
    new Event({ ...at, label: 'ready' }),
    new Condition(undefined, { ...at, label: 'changed' }),
    new Queue({ ...at, label: 'jobs' }),
    new SharedArray('u8', 4, { ...at, label: 'pixels' }),
    new Value('i32', 0, { ...at, label: 'count' }),
  ];
  const titles = titlesIn('labelled');
  for (const expected of [
    'Lock #1 (cache of users)',
    / \(ready\)$/,
    / \(jobs\)$/,
    / \(pixels\)$/,
    / \(count\)$/,
  ])
    assert.ok(
      titles.some((title) => (typeof expected === 'string' ? title === expected : expected.test(title))),
      `${expected} is in ${titles.join(', ')}`,
    );
  const { stdout } = spawnSync(process.execPath, [COMMAND, 'show', 'cache of users'], {
    env: ENVIRONMENT,
    encoding: 'utf8',
  });
  assert.match(stdout, /^Lock #1 \(cache of users\), namespace labelled/);
  for (const object of [lock, ...others]) object.close();
  assert.throws(() => lock.acquireSync(), /^ClosedError: Lock \(cache of users\): /);
});

test('a label stays with its object: the next one in the same cell has none, or its own', () => {
  const at = { namespace: 'again' };
  const stays = new Event(at);
  const first = new Lock({ ...at, label: 'first' });
  first.close();
  const second = new Lock(at);
  assert.deepEqual(titlesIn('again'), ['Event #1', 'Lock #2']);
  second.close();
  const third = new Lock({ ...at, label: 'third' });
  assert.deepEqual(titlesIn('again'), ['Event #1', 'Lock #2 (third)']);
  const files = readdirSync(folderOf('again')).filter((file) => file.startsWith('label-'));
  assert.deepEqual(files, ['label-2']);
  third.close();
  stays.close();
});

test('what can not be a label is refused', () => {
  assert.throws(() => new Lock({ label: 3 as never }), InvalidTypeError);
  assert.throws(() => new Lock({ label: '' }), NameError);
  assert.throws(() => new Lock({ label: 'x'.repeat(201) }), NameError);
});

test('LOCKSTEP_LABELS=1 and `stacks` note where an object was made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-labels-'));
  const file = join(folder, 'makes.mjs');
  writeFileSync(
    file,
    `import { Event, Lock } from ${JSON.stringify(join(root, 'dist/index.js'))};
const plain = new Event();
const noted = new Lock({ stacks: true, label: 'mine' });
console.log(JSON.stringify([String(plain), String(noted)]));
`,
  );
  const run = (labels: string | undefined): string[] => {
    const env = { ...ENVIRONMENT, LOCKSTEP_LABELS: labels };
    const { stdout, stderr } = spawnSync(process.execPath, [file], { env, encoding: 'utf8' });
    assert.equal(stderr, '');
    return JSON.parse(stdout) as string[];
  };
  assert.deepEqual(run(undefined), ['<Event not set>', '<Lock (mine, makes.mjs:3) free>']);
  assert.deepEqual(run('1'), ['<Event (makes.mjs:2) not set>', '<Lock (mine, makes.mjs:3) free>']);
  rmSync(folder, { recursive: true });
});

test('the last 16 deadlocks that were refused are kept, and told by why --last', () => {
  const namespace = 'deadlocks';
  const lock = new Lock({ namespace, label: 'twice' });
  lock.acquireSync();
  assert.deepEqual(lastDeadlocks(namespace), []);
  for (let number = 0; number < 20; number++) {
    // Two within a millisecond would be kept as one.
    for (const begun = Date.now(); Date.now() === begun; );
    assert.throws(() => lock.acquireSync(), DeadlockError);
  }
  const kept = lastDeadlocks(namespace);
  assert.equal(kept.length, 16);
  assert.ok(
    kept.every(({ at }, index) => index === 0 || at < kept[index - 1]!.at),
    'the latest comes first',
  );
  assert.equal(kept[0]?.members[0]?.pid, process.pid);
  const files = readdirSync(folderOf(namespace)).filter((file) => file.startsWith('deadlock-'));
  assert.equal(files.length, 16);
  // A thread that was killed while it wrote, and one that is none of ours.
  writeFileSync(`${folderOf(namespace)}/deadlock-999999999999999-1-0`, '{"at":12');
  writeFileSync(`${folderOf(namespace)}/deadlock-999999999999999-2-0`, '[7]');
  assert.equal(lastDeadlocks(namespace).length, 14);
  const { stdout, status } = spawnSync(process.execPath, [COMMAND, 'why', '--last', '-n', namespace], {
    env: ENVIRONMENT,
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  assert.match(stdout, /^The last 14 deadlocks, for each of which a call was refused:\n\n\d{4}-\d\d-\d\dT/);
  assert.match(stdout, /in MainProcess \(pid \d+\), namespace deadlocks\n {3}Lock #1 \(twice\): deadlock, /);
  const about = (what: string): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, [COMMAND, 'why', '--last', what, '-n', namespace], {
      env: ENVIRONMENT,
      encoding: 'utf8',
    });
  for (const what of ['twice', '#1', 'MainProcess', String(process.pid)])
    assert.match(about(what).stdout, /^The last 14 deadlocks, /, what);
  const none = about('nope');
  assert.deepEqual([none.status, none.stdout], [3, '']);
  assert.match(none.stderr, /^lockstep: no DeadlockError on record has "nope" in it; /);
  assert.match(explainPast([], 0), /^No DeadlockError on record \(/);
  lock.release();
  lock.close();
});
