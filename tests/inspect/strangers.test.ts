/** The command in the hands of strangers: wrong folders, odd names, several programs. */

import assert from 'node:assert/strict';
import type { SpawnSyncReturns } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Event, Lock, Process, SharedMemory } from 'lockstep';
import { inspectNamespace } from 'lockstep/inspect';
import { root } from '../docs/markdown.ts';
import { sandbox } from '../support/sandbox.ts';
import { until, untilWaiting } from '../support/until.ts';
import { joinProcess } from './members.ts';

const COMMAND = join(root, 'dist/cli/lockstep.js');

function lockstep(args: readonly string[], folder = sandbox): SpawnSyncReturns<string> {
  const env = { ...process.env, LOCKSTEP_DIR: folder, NODE_OPTIONS: undefined };
  return spawnSync(process.execPath, [COMMAND, ...args], { env, encoding: 'utf8' });
}

async function load<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(join(root, 'build/src', path)).href)) as Module;
}

test('a folder that is not there, or is none, does not look like a machine on which all is well', () => {
  const missing = join(sandbox, 'missing');
  for (const [folder, ...command] of [
    [missing, 'ls'],
    [COMMAND, 'why', '--json'],
    [missing, 'why', '-n', 'orders'],
    [missing, 'why', '--last'],
  ] as const) {
    const { status, stdout, stderr } = lockstep(command, folder);
    assert.deepEqual([status, stdout], [3, ''], command.join(' '));
    assert.match(stderr, /^lockstep: .*the folder ".*" can't be read \((ENOENT|ENOTDIR)\); set LOCKSTEP_DIR/);
  }
  const { status, stdout } = lockstep(['doctor'], missing);
  assert.equal(status, 1);
  assert.match(stdout, /^fail {2}.*missing/m);
});

test('an option of the command that run takes for its own gets a hint at the two dashes', () => {
  const { status, stderr } = lockstep(['run', 'nightly', 'sh', '-c', 'exit 4']);
  assert.equal(status, 2);
  assert.match(stderr, /put -- before the command: lockstep run \[options\] <name> -- <command>/);
});

test('a name can neither turn the direction of a line around, nor hide', () => {
  const namespace = `odd-${process.pid}`;
  const lock = new Lock({ name: '\u202ekcol\u200b\u2028', namespace });
  const { stdout } = lockstep(['ls', '-n', namespace]);
  assert.match(stdout, /Lock "\?kcol\?\?" +free/);
  lock.close();
});

test('a table is as narrow as its terminal, down to a least width of its columns', async () => {
  type Table = (columns: object[], rows: string[][], paint: object, room?: number) => string;
  const { table } = await load<{ table: Table }>('cli/table.js');
  const paint = { dim: (text: string) => text };
  const columns = [{ title: 'NAME' }, { title: 'STATE' }, { title: 'FOR', right: true }];
  const rows = [
    ['订单订单订单订单订单订单', 'x'.repeat(200), '1.0 s'],
    ['b', 'free', ''],
  ];
  assert.equal(
    table(columns, rows, paint, 30),
    'NAME        STATE          FOR\n订单订单…   xxxxxxxxxx…  1.0 s\nb           free\n',
  );
  assert.match(table(columns, rows, paint), /x{200} {2}1\.0 s\n/);
  // Nothing is cut to nothing.
  assert.match(table(columns, rows, paint, 3), /^订单订…? +xxxxxxx… +1\.0 s$/m);
  // A pid is what a reader goes on with: it stays.
  const held = [{ title: 'OBJECT' }, { title: 'STATE', least: 20 }];
  const state = 'held by the-importer (41210, import-invoices.js), 3 deep';
  const texts = table(held, [['Lock "invoices"', state]], paint, 40);
  assert.match(texts, /^Lock "invoices" +held by the-imp…\(41210\)$/m);
  const spared = [{ title: 'THREAD', spare: 1 }, ...held];
  const row = ['-', 'Lock "invoices"', state];
  assert.match(table(spared, [row], paint, 40), /^THREAD {2}OBJECT/);
  const narrow = table(spared, [row], paint, 30);
  assert.match(narrow, /^OBJECT {4}STATE\n/, 'the column that can be spared has gone');
  assert.ok(
    narrow.split('\n').every((line) => line.length <= 30),
    narrow,
  );
  // A column that yields is narrowed first; one that can be spared goes early.
  const yielding = [
    { title: 'PROGRAM', least: 4, yields: true, spare: 2 },
    { title: 'NAMESPACE', least: 4, spare: 1 },
    { title: 'STATE', wants: 20 },
  ];
  const long = ['a-long-program.js', 'orders', 'awaits: Lock "invoices"'];
  assert.equal(
    table(yielding, [long], paint, 42),
    'PROGR…  NAMESPACE  STATE\na-lon…  orders     awaits: Lock "invoices"\n',
  );
  assert.equal(table(yielding, [long], paint, 30), 'PROG…  STATE\na-lo…  awaits: Lock "invoices"\n');
  assert.equal(table(yielding, [long], paint, 22), 'STATE\nawaits: Lock "invoice…\n');
  assert.match(
    table(held, [['', 'held by a (7, b.js), and ever so much more']], paint, 30),
    /held by a \(7, b\.js.*…$/m,
  );
});

test('programs of the same script are told apart by their arguments, which show no secrets', async () => {
  const namespace = `same-${process.pid}`;
  const lock = new Lock({ name: 'held', namespace });
  const hold = lock.acquireSync();
  const program = join(root, 'build/tests/programs/idles.js');
  const programs = ['awaits', 'blocks'].map((how) => spawn(process.execPath, [program, namespace, how]));
  try {
    await untilWaiting(lock, 2);
    const { stdout } = lockstep(['ps', '-n', namespace]);
    for (const how of ['awaits', 'blocks'])
      assert.match(stdout, new RegExp(` idles\\.js ${namespace} ${how} `));
    assert.match(
      lockstep(['why', '-a', '-n', namespace]).stdout,
      new RegExp(`idles\\.js ${namespace} blocks\\)`),
    );
  } finally {
    const ends = programs.map((each) => once(each, 'exit'));
    hold.release();
    await Promise.all(ends);
    lock.close();
  }
  type ArgumentsOf = (command: string[], script: string) => string;
  const { argumentsOf } = await load<{ argumentsOf: ArgumentsOf }>('inspect/arguments.js');
  const shown = (...args: string[]): string =>
    argumentsOf(['node', '--inspect', 'src/api.ts', ...args], '/w/src/api.ts');
  assert.equal(shown('--port', '3001'), '--port 3001');
  assert.equal(shown('--token', 'abc', '--api-key=def', 'PASSWORD=g'), '--token … --api-key=… PASSWORD=…');
  assert.equal(shown('postgres://user:secret@host/db'), 'postgres://…@host/db');
  assert.equal(shown('x'.repeat(100)), `${'x'.repeat(40)}…`);
  assert.equal(argumentsOf(['node', '-e', 'code'], ''), '');
});

test('completions offer the objects, processes and namespaces of the moment', () => {
  const namespace = `words-${process.pid}`;
  const [lock, memory] = [
    new Lock({ name: 'in voices', namespace }),
    new SharedMemory({ name: 'block', size: 8, namespace }),
  ];
  const labelled = new Lock({ label: 'cache', namespace });
  const listed = (list: string): string[] =>
    lockstep(['completion', '--list', list]).stdout.split('\n').slice(0, -1);
  assert.deepEqual(listed('objects').sort(), ['block', 'cache', 'in voices']);
  assert.deepEqual(listed('runs'), ['in voices']);
  assert.deepEqual(listed('blocks'), ['block']);
  // Those of the other tests may still be there.
  assert.ok(listed('namespaces').includes(namespace));
  assert.ok(listed('about').includes(String(process.pid)));
  assert.equal(lockstep(['completion', '--list', 'toString']).status, 2);
  const complete = (...words: string[]): string => {
    const script = `lockstep() { ${JSON.stringify(process.execPath)} ${JSON.stringify(COMMAND)} "$@"; }
eval "$(lockstep completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lockstep; printf '%s|' "\${COMPREPLY[@]}"`;
    const env = { ...process.env, LOCKSTEP_DIR: sandbox, NODE_OPTIONS: undefined };
    return spawnSync('bash', ['-c', script, 'bash', ...words], { env, encoding: 'utf8' }).stdout;
  };
  assert.equal(complete('lockstep', 'why', 'in'), 'in\\ voices|');
  assert.equal(complete('lockstep', 'ls', '-n', 'wo'), `${namespace}|`);
  assert.equal(complete('lockstep', 'unl'), 'unlink|');
  assert.equal(complete('lockstep', 'why', '--st'), '--stacks|');
  memory.unlink();
  for (const each of [lock, memory, labelled]) each.close();
});

test('a child whose parent was killed is marked, and so is the way to end it', async () => {
  const namespace = `orphans-${process.pid}`;
  const event = new Event({ name: 'ready', namespace });
  const parent = new Process({ target: joinProcess, args: [event, 'left'] });
  parent.start();
  await untilWaiting(event, 1);
  const seen = inspectNamespace(namespace).namespaces[0]!.agents.find(({ name }) => name === 'left')!;
  assert.deepEqual([seen.parent, seen.orphan], [parent.pid, false]);
  event.close();
  try {
    parent.kill();
    await parent.join();
    const { status, stdout } = lockstep(['why', '-n', namespace]);
    assert.equal(status, 1);
    assert.match(
      stdout,
      new RegExp(`left \\(${seen.pid}, members\\.js blockForEvent, its parent has ended\\)`),
    );
    assert.match(stdout, new RegExp(`To end the process whose parent has ended: kill ${seen.pid}\\n`));
    assert.match(lockstep(['ps', '-n', namespace]).stdout, / orphan, blocked: Event "ready" /);
    assert.match(
      lockstep(['doctor']).stdout,
      new RegExp(
        `^warn {2}a child process still runs after its parent has ended .*\\n {6}kill ${seen.pid};`,
        'm',
      ),
    );
  } finally {
    process.kill(seen.pid, 'SIGKILL');
    const isGone = (): boolean =>
      !inspectNamespace(namespace).namespaces.some(({ agents }) =>
        agents.some(({ pid, life }) => pid === seen.pid && life !== 'dead'),
      );
    await until(isGone, 'the child has ended');
  }
});
