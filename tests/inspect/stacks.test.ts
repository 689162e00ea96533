/** `lockstep why --stacks`: threads say where they are, without a debugger. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Event, Lock, Process, Thread } from 'lockstep';
import type { ThreadStacks } from 'lockstep/inspect';
import { takeSnapshot } from 'lockstep/inspect';
import { root } from '../docs/markdown.ts';
import { sandbox } from '../support/sandbox.ts';
import { until, untilWaiting } from '../support/until.ts';
import { awaitLock, blockForLock, holdBusy, holdIdle, joinProcess } from './members.ts';

const COMMAND = join(root, 'dist/cli/lockstep.js');
const ENVIRONMENT = { ...process.env, LOCKSTEP_DIR: sandbox, NODE_OPTIONS: undefined };

interface Asked {
  readonly stacks: readonly ThreadStacks[];
}

function lockstep(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [COMMAND, ...args], { env: ENVIRONMENT, encoding: 'utf8' });
}

function stacksOf(namespace: string): readonly ThreadStacks[] {
  const { stdout, stderr } = lockstep('why', '--all', '--stacks', '--json', '-n', namespace);
  assert.equal(stderr, '');
  return (JSON.parse(stdout) as Asked).stacks;
}

function of(stacks: readonly ThreadStacks[], name: string): ThreadStacks {
  const found = stacks.find(({ member }) => member.name === name || member.name.endsWith(`|${name}`));
  assert.ok(found !== undefined, `${name} is in ${JSON.stringify(stacks)}`);
  return found;
}

function start<Args extends readonly unknown[]>(
  Kind: typeof Process | typeof Thread,
  name: string,
  target: (...args: Args) => unknown,
  ...args: Args
): Process | Thread {
  const child = new Kind({ target, args: args as never, name } as never) as Process;
  child.start();
  started.push(child);
  return child;
}

const started: (Process | Thread)[] = [];
afterEach(() => end(...started.splice(0)));

async function end(...children: (Process | Thread)[]): Promise<void> {
  for (const child of children) child.kill();
  for (const child of children) await child.join();
}

test('blocked threads write the stack of the blocked call, awaiting ones where each call began', async () => {
  const namespace = 'stacks';
  const lock = new Lock({ name: 'wanted', namespace, stacks: true });
  const holder = start(Process, 'busy', holdBusy, lock);
  await until(() => lock.locked, 'the lock is held');
  start(Process, 'blocks', blockForLock, lock);
  start(Thread, 'blocks too', blockForLock, lock);
  start(Process, 'awaits', awaitLock, lock);
  await untilWaiting(lock, 3);
  // A thread that was just on its way into its wait answers from there, or with the next request.
  let stacks: readonly ThreadStacks[] = [];
  await until(() => {
    stacks = stacksOf(namespace);
    return stacks.filter(({ answered }) => answered).length === 3;
  }, 'all that wait answer');
  for (const name of ['blocks', 'blocks too']) {
    const { stack, member } = of(stacks, name);
    assert.match(stack?.split('\n')[0] ?? '', /blockForLock .*members/, 'own frames are cut out');
    assert.equal(member.waitsFor?.title, 'Lock "wanted"');
  }
  const awaiting = of(stacks, 'awaits');
  assert.equal(awaiting.stack, null);
  assert.deepEqual(
    awaiting.calls.map(({ title }) => title),
    ['Lock "wanted"'],
  );
  assert.match(awaiting.calls[0]?.stack ?? '', /awaitLock/);
  const busy = of(stacks, 'busy');
  assert.equal(busy.answered, false);
  assert.match(busy.taken[0]?.stack ?? '', /holdBusy/, 'where it took the lock, as that is noted');
  const { stdout, status } = lockstep('why', 'blocks', '--stacks', '-n', namespace);
  assert.equal(status, 1);
  assert.match(stdout, /blocks \(\d+, [^)]*\) is blocked for Lock "wanted":\n +at blockForLock/);
  assert.doesNotMatch(stdout, /at .*node:/, "frames of Node's own are left out");
  assert.match(
    stdout,
    new RegExp(
      `busy \\(\\d+, [^)]*\\) does not answer, as it is busy: node inspect -p ${(holder as Process).pid}`,
    ),
  );
  lock.close();
});

test('a thread that joins another answers, too; one whose event loop is idle has no stack', async () => {
  const event = new Event({ name: 'never', namespace: 'joining' });
  const lock = new Lock({ name: 'held', namespace: 'joining' });
  start(Process, 'parent', joinProcess, event, 'child');
  start(Thread, 'idle', holdIdle, lock);
  await untilWaiting(event, 1);
  await until(() => lock.locked, 'the lock is held');
  start(Process, 'waits', blockForLock, lock);
  await untilWaiting(lock, 1);
  let stacks: readonly ThreadStacks[] = [];
  await until(() => {
    stacks = stacksOf('joining');
    return ['parent', 'child', 'waits'].every((name) =>
      stacks.some(({ member, stack }) => member.name.endsWith(name) && stack !== null),
    );
  }, 'all that are blocked answer');
  assert.match(of(stacks, 'parent').stack ?? '', /joinProcess/);
  assert.equal(of(stacks, 'idle').answered, false);
  const [namespace] = takeSnapshot({ folders: [`${sandbox}/lockstep-${userInfo().uid}.joining`] }).namespaces;
  const pids = new Set(namespace?.agents.map(({ pid }) => pid));
  pids.delete(process.pid);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  event.close();
  lock.close();
});

test('asking writes one word and into FIFOs, and joins, locks and maps nothing', async (t) => {
  if (spawnSync('strace', ['-V']).error !== undefined) {
    t.skip('strace is not installed');
    return;
  }
  const namespace = 'asked';
  const lock = new Lock({ name: 'x', namespace });
  const hold = lock.acquireSync();
  start(Process, 'waits', blockForLock, lock);
  await untilWaiting(lock, 1);
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-strace-'));
  const log = join(folder, 'log');
  const args = ['-f', '-o', log, '-e', 'trace=%file,%desc', process.execPath, COMMAND];
  const traced = spawnSync('strace', [...args, 'why', '--all', '--stacks', '-n', namespace], {
    env: ENVIRONMENT,
    encoding: 'utf8',
  });
  assert.equal(traced.status, 1, traced.stderr);
  const lines = readFileSync(log, 'utf8').split('\n');
  const opened = lines.filter((line) => line.includes(sandbox) && /O_RDWR|O_WRONLY/.test(line));
  assert.ok(opened.length > 0);
  assert.deepEqual(
    opened.filter((line) => !/\/control"|\/(bell|rouse)-\d+"/.test(line)),
    [],
  );
  assert.deepEqual(
    opened.filter((line) => /O_CREAT|O_TRUNC/.test(line)),
    [],
  );
  const written = lines.filter((line) => /pwrite64\(/.test(line));
  assert.equal(written.length, 1);
  assert.match(written[0]!, /, 4, 76\) += 4$/);
  assert.deepEqual(
    lines.filter((line) => /flock\(|F_SETLK|F_OFD_SETLK/.test(line)),
    [],
  );
  hold.release();
  rmSync(folder, { recursive: true });
  const left = `${sandbox}/lockstep-${userInfo().uid}.${namespace}`;
  lock.close();
  assert.equal(existsSync(left), true, 'this program is in it until it ends');
});
