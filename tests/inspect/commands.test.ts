/** What the commands say where there is nothing, where they are used wrongly, or can't write. */

import assert from 'node:assert/strict';
import type { SpawnSyncReturns } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { JoinableQueue, Lock, Queue } from 'lockstep';
import { takeSnapshot } from 'lockstep/inspect';
import { root } from '../docs/markdown.ts';
import { sandbox } from '../support/sandbox.ts';
import { until, untilWaiting } from '../support/until.ts';

const COMMAND = join(root, 'dist/cli/lockstep.js');
const env = { ...process.env, LOCKSTEP_DIR: sandbox, NODE_OPTIONS: undefined };
const namespace = 'commands';

function lockstep(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [COMMAND, ...args], { env, encoding: 'utf8' });
}

/** Runs the command with a reader that goes after the first byte, or at once. */
async function unread(...args: string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [COMMAND, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  child.stdout.destroy();
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

const READING = [
  ['--help'],
  ['run', '--help'],
  ['ls'],
  ['ps'],
  ['why'],
  ['show', 'a'],
  ['completion', 'bash'],
];

test('a command whose reader has gone ends silently', async () => {
  const lock = new Lock({ name: 'a', namespace });
  for (const args of [...READING, ['doctor'], ['ls', '--watch'], ['ps', '--watch'], ['ls', '--json']])
    assert.deepEqual(await unread(...args), { code: 0, stderr: '' }, args.join(' '));
  lock.close();
});

test('a command whose output has no room says so in one line', () => {
  const lock = new Lock({ name: 'a', namespace });
  const full = openSync('/dev/full', 'w');
  for (const args of [...READING, ['ls', '--watch']]) {
    const { status, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    });
    assert.equal(status, 3, args.join(' '));
    assert.match(stderr, /^lockstep: the output can't be written: ENOSPC: .*\n$/, args.join(' '));
  }
  closeSync(full);
  lock.close();
});

test('the command of `run` runs though nobody reads its messages', async () => {
  const lock = new Lock({ name: 'unread', namespace });
  lock.acquireSync();
  const child = spawn(process.execPath, [COMMAND, 'run', 'unread', '-n', namespace, '--', 'echo', 'ran'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.destroy();
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  await untilWaiting(lock, 1);
  lock.release();
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'ran\n' });
  lock.close();
});

test('--watch clears a terminal only', async () => {
  const lock = new Lock({ name: 'watched', namespace });
  const child = spawn(process.execPath, [COMMAND, 'ls', '--watch'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  await until(() => stdout.split('Lock "watched"').length > 2, 'it was listed twice');
  const ended = once(child, 'exit');
  child.kill();
  await ended;
  assert.equal(stdout.includes('\u001b'), false);
  lock.close();
});

test('a namespace that is not there is reported by all commands that look', () => {
  for (const args of [['ls'], ['ps'], ['why'], ['show', 'x'], ['ls', '--json'], ['ps', '--watch']]) {
    const { status, stdout, stderr } = lockstep(...args, '-n', 'nope');
    assert.deepEqual({ status, stdout }, { status: 3, stdout: '' }, args.join(' '));
    assert.match(stderr, /^lockstep: there is no namespace "nope"; /);
  }
});

test('wrong use gives 2, and says what is wrong', () => {
  const wrong: [string[], RegExp][] = [
    [['run', '--', 'echo', 'x'], /the name is missing before --; write lockstep run <name> -- /],
    [['run', '-n', namespace, '--', 'true'], /the name is missing before --/],
    [['run', 'name', '-n', '../up', '--', 'true'], /^lockstep: namespace "\.\.\/up": refused, /],
    [['run', '', '--', 'true'], /^lockstep: name "": refused, /],
    [['ls', '-n', 'a b'], /^lockstep: namespace "a b": refused, /],
    [['help', 'nope'], /^error: unknown command 'nope'/],
    [['ls', '--watch', '--json'], /'-w, --watch' cannot be used with option '--json'/],
    [['ps', '--watch', '--json'], /'-w, --watch' cannot be used with option '--json'/],
  ];
  for (const [args, message] of wrong) {
    const { status, stdout, stderr } = lockstep(...args);
    assert.match(stderr, message);
    assert.deepEqual({ status, stdout }, { status: 2, stdout: '' }, args.join(' '));
  }
});

test('the name may come before `--` in all ways', () => {
  for (const args of [
    ['-n', namespace, 'named', '--', 'true'],
    ['named', '-n', namespace, 'true'],
    ['named', '-n', namespace, '--', 'test', '--', '=', '--'],
  ])
    assert.equal(lockstep('run', ...args).status, 0, args.join(' '));
});

test('the help of `run` has its exit codes, and what a kill of it leaves', () => {
  const { status, stdout } = lockstep('run', '--help');
  assert.equal(status, 0);
  for (const part of [
    /128 \+ n/,
    /\b127\b/,
    /\b126\b/,
    /\b75\b/,
    /a number alone is\s+seconds/,
    /go on: the next run may/,
  ])
    assert.match(stdout, part);
});

test('doctor lists the leftovers that it removes', async () => {
  const folder = `${sandbox}/lockstep-${userInfo().uid}.lefts`;
  const run = spawn(process.execPath, [COMMAND, 'run', 'l', '-n', 'lefts', '--', 'sleep', '600'], {
    env,
    stdio: 'ignore',
  });
  await until(
    () =>
      existsSync(folder) &&
      takeSnapshot({ folders: [folder] }).namespaces.some(({ objects }) =>
        objects.some(({ holders }) => holders.length > 0),
      ),
    'the command runs',
  );
  const ended = once(run, 'exit');
  run.kill('SIGKILL');
  await ended;
  const { status, stdout } = lockstep('doctor');
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^ok {4}removed 1 namespace of programs that have ended \(lefts\), \d+\.\d MB; /m);
  assert.equal(existsSync(folder), false);
  assert.doesNotMatch(lockstep('doctor').stdout, /removed/);
});

test('ls and show have the items of a queue, and show the calls that wait for its parts', async () => {
  const plain = new Queue<number>({ name: 'plain', namespace, maxSize: 3 });
  const todo = new JoinableQueue<string>({ name: 'todo', namespace });
  for (const item of [1, 2, 3]) plain.putSync(item);
  plain.getSync();
  for (const item of ['a', 'b']) todo.putSync(item);
  todo.getSync();
  const joined = todo.join();
  const stateOf = (text: string): string => /^ {2}state {7}(.*)$/m.exec(text)?.[1] ?? text;
  await until(
    () => / 1 .*its items to be done/.test(lockstep('show', 'todo').stdout),
    'the call that joins is shown',
  );
  const shown = lockstep('show', 'todo').stdout;
  assert.equal(stateOf(shown), '1 item, 2 not yet done');
  assert.match(
    shown,
    /^ {6}1 {2}MainProcess \(\d+, commands\.test\.js\) {2}awaits its items to be done {2}/m,
  );
  assert.equal(stateOf(lockstep('show', 'plain').stdout), '2 of at most 3 items');
  const listed = lockstep('ls', '-n', namespace).stdout;
  assert.match(listed, /Queue "plain" {2,}2 of at most 3 items\n/);
  assert.match(listed, /JoinableQueue "todo" {2,}1 item, 2 not yet done {2,}1 {2}/);
  const { objects } = JSON.parse(lockstep('show', 'plain', '--json').stdout) as {
    objects: { contents: { items: number; maxSize: number } }[];
  };
  assert.deepEqual([objects[0]?.contents.items, objects[0]?.contents.maxSize], [2, 3]);
  todo.getSync();
  plain.getSync();
  assert.equal(stateOf(lockstep('show', 'plain').stdout), '1 of at most 3 items');
  plain.getSync();
  assert.equal(stateOf(lockstep('show', 'plain').stdout), '0 of at most 3 items');
  todo.taskDone();
  todo.taskDone();
  await joined;
  plain.close();
  todo.close();
});

test('a run is shown with its command', async () => {
  const run = spawn(process.execPath, [COMMAND, 'run', 'shown', '-n', namespace, '--', 'sleep', '600'], {
    env,
    stdio: 'ignore',
  });
  await until(() => / Lock "shown"$/m.test(lockstep('ps').stdout), 'the name is held');
  assert.match(lockstep('ps').stdout, / lockstep run: sleep 600 /);
  const ended = once(run, 'exit');
  run.kill();
  await ended;
});

test('completions are there for each shell, and their shells read them', (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { status, stdout } = lockstep('completion', shell);
    assert.equal(status, 0);
    assert.match(stdout, /--no-wait/);
    if (spawnSync(shell, ['-c', 'true']).error === undefined)
      assert.equal(spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' }).stderr, '');
    else t.diagnostic(`${shell} is not installed`);
  }
  assert.equal(lockstep('completion', 'tcsh').status, 2);
});
