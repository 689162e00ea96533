/** `lockstep run`: one run at a time, whatever becomes of it. */

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../docs/markdown.ts';
import { runs } from '../support/processes.ts';
import { sandbox } from '../support/sandbox.ts';
import { until } from '../support/until.ts';

const COMMAND = join(root, 'dist/cli/lockstep.js');

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

function lockstep(...args: string[]): Run {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env: { ...process.env, LOCKSTEP_DIR: sandbox, NODE_OPTIONS: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return { child, ended: once(child, 'close').then(([code]) => ({ code, stdout, stderr })) };
}

const file = (name: string): string =>
  join(process.env.TMPDIR ?? '/tmp', `lockstep-run-${process.pid}-${name}`);

/** A command that says by a file that it runs, and ends when the file is gone. */
function holding(name: string): { readonly command: string[]; pid(): number; letGo(): void } {
  const path = file(name);
  return {
    command: [
      'sh',
      '-c',
      `echo $$ > ${path}.new; mv ${path}.new ${path}; while [ -e ${path} ]; do sleep 0.02; done`,
    ],
    pid: () => Number(readFileSync(path, 'utf8')),
    letGo: () => spawn('rm', [path]),
  };
}

test('its input, output and exit code are those of the command', async () => {
  const { code, stdout, stderr } = await lockstep(
    'run',
    'code',
    '--',
    'sh',
    '-c',
    'echo out; echo err >&2; exit 7',
  ).ended;
  assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: 'out\n', stderr: 'err\n' });
});

test('a command that is not there gives 127, and none 2', async () => {
  assert.equal((await lockstep('run', 'absent', '--', '/no/such/program').ended).code, 127);
  assert.equal((await lockstep('run', 'absent').ended).code, 2);
  // The option would be Lockstep's, and echo run without it in another namespace.
  for (const args of [
    ['echo', '-n', 'hi'],
    ['echo', 'hi', '-q'],
  ]) {
    const { code, stdout, stderr } = await lockstep('run', 'absent', ...args).ended;
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /put -- before the command/);
  }
  assert.equal((await lockstep('run', 'absent', '-q', 'echo', 'hi').ended).stdout, 'hi\n');
});

test('a second run waits for the first, and says for whom', async () => {
  const first = holding('first');
  const one = lockstep('run', 'turn', '--', ...first.command);
  await until(() => existsSync(file('first')), 'the first runs');
  const refused = await lockstep('run', 'turn', '--no-wait', '--', 'true').ended;
  assert.equal(refused.code, 75);
  assert.match(
    refused.stderr,
    new RegExp(`"turn" is held by pid ${one.child.pid} \\(sh -c .*, taken less than \\d`),
  );
  assert.equal((await lockstep('run', 'turn', '--timeout', '50ms', '--', 'true').ended).code, 75);
  const two = lockstep('run', 'turn', '--', 'echo', 'second');
  let said = '';
  two.child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  await until(() => said.includes('is held by'), 'the second says that it waits');
  first.letGo();
  assert.equal((await one.ended).code, 0);
  const { code, stdout, stderr } = await two.ended;
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'second\n' });
  assert.match(stderr, /has "turn" after/);
});

test('killed, it takes its command with it, and the next run says so', async () => {
  const first = holding('killed');
  const one = lockstep('run', 'killed', '--', ...first.command);
  await until(() => existsSync(file('killed')), 'the command runs');
  const pid = first.pid();
  const two = lockstep('run', 'killed', '--', 'echo', 'next');
  let said = '';
  two.child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  await until(() => said.includes('is held by'), 'the next waits');
  one.child.kill('SIGKILL');
  await one.ended;
  const { code, stdout, stderr } = await two.ended;
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'next\n' });
  assert.match(stderr, /the last holder of "killed" was killed/);
  await until(() => !runs(pid), 'the command has ended, too');
  first.letGo();
});

test('a signal is passed on to the command', async () => {
  const path = file('signal');
  const one = lockstep(
    'run',
    'signal',
    '--',
    'sh',
    '-c',
    `trap 'exit 9' TERM; echo > ${path}; while :; do sleep 0.02; done`,
  );
  await until(() => existsSync(path), 'the command runs');
  one.child.kill('SIGTERM');
  assert.equal((await one.ended).code, 9);
  spawn('rm', [path]);
});

test('so many at a time as there are permits', async () => {
  const [a, b] = [holding('a'), holding('b')];
  const running = [a, b].map(({ command }) => lockstep('run', 'gpu', '--permits', '2', '--', ...command));
  await until(() => existsSync(file('a')) && existsSync(file('b')), 'two run at once');
  assert.equal((await lockstep('run', 'gpu', '--permits', '2', '--no-wait', '--', 'true').ended).code, 75);
  a.letGo();
  b.letGo();
  for (const { ended } of running) assert.equal((await ended).code, 0);
});
