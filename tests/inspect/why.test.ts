/** `lockstep why` about one process or object, and its words for waits that are easily misread. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Barrier, Lock, Process, Thread } from 'lockstep';
import type { AwaitedEnd } from 'lockstep/inspect';
import { explain, findStuck, inspectNamespace, takeSnapshot } from 'lockstep/inspect';
import { root } from '../docs/markdown.ts';
import { sandbox } from '../support/sandbox.ts';
import { until, untilWaiting } from '../support/until.ts';
import { blockForLock, holdIdle } from './members.ts';

const COMMAND = join(root, 'dist/cli/lockstep.js');
const ENVIRONMENT = { ...process.env, LOCKSTEP_DIR: sandbox };

function why(namespace: string, ...args: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [COMMAND, 'why', ...args, '--namespace', namespace],
    { env: { ...ENVIRONMENT, NODE_OPTIONS: undefined }, encoding: 'utf8' },
  );
  assert.equal(stderr, '');
  return { status, text: stdout.replaceAll(/\b\d+\.\d s\b/g, 'T') };
}

test('about a program that awaits a lock, and about the lock, why names the holder', async () => {
  const namespace = `awaits-${process.pid}`;
  const lock = new Lock({ name: 'report', namespace });
  const holder = new Process({ target: holdIdle, args: [lock], name: 'holder' });
  const giveUp = new AbortController();
  holder.start();
  try {
    await until(() => lock.owner?.pid === holder.pid, 'the lock is held');
    const awaiting = lock.acquire({ signal: giveUp.signal });
    const refused = assert.rejects(awaiting, { name: 'AbortError' });
    await untilWaiting(lock, 1);
    const finding = `1  holder (${holder.pid}, members.js holdIdle) holds Lock "report" and is idle in its event loop`;
    const link = `held by holder (pid ${holder.pid}, members.js holdIdle),\n`;

    const aboutPid = why(namespace, String(process.pid));
    assert.equal(aboutPid.status, 1);
    assert.ok(aboutPid.text.startsWith(`MainProcess (pid ${process.pid}, why.test.js) `), aboutPid.text);
    assert.ok(aboutPid.text.includes(link), aboutPid.text);
    assert.ok(aboutPid.text.includes(finding), aboutPid.text);
    assert.match(aboutPid.text, /\n {3}or it forgot to release it\.\n/);

    const aboutLock = why(namespace, 'report');
    assert.equal(aboutLock.status, 1);
    assert.match(aboutLock.text, /^Lock "report", namespace .*\n {2}state +held by holder /);
    assert.ok(aboutLock.text.includes(link), aboutLock.text);
    assert.ok(aboutLock.text.includes(finding), aboutLock.text);

    const { chains, findings, objects } = JSON.parse(why(namespace, 'report', '--json').text) as {
      chains: { pid: number }[][];
      findings: { kind: string }[];
      objects: { title: string }[];
    };
    assert.deepEqual(
      chains.map((chain) => chain.map(({ pid }) => pid)),
      [[process.pid, holder.pid]],
    );
    assert.deepEqual(
      findings.map(({ kind }) => kind),
      ['keeper'],
    );
    assert.deepEqual(
      objects.map(({ title }) => title),
      ['Lock "report"'],
    );
    giveUp.abort();
    await refused;
    assert.equal(why(namespace, 'report').status, 0);
  } finally {
    giveUp.abort();
    holder.kill();
    await holder.join();
    lock.close();
  }
});

test('waits that are too short to be listed are counted', async () => {
  const namespace = `brief-${process.pid}`;
  const lock = new Lock({ name: 'short', namespace });
  const hold = lock.acquireSync();
  const waiter = new Process({ target: blockForLock, args: [lock] });
  waiter.start();
  try {
    await untilWaiting(lock, 1);
    const { findings, brief, why } = inspectNamespace(namespace, { least: 59_000 });
    assert.deepEqual(findings, []);
    assert.equal(brief, 1);
    assert.equal(
      why,
      'Nothing keeps anybody waiting for over 59.0 s.\n\nNot shown: 1 call that has waited for less than 59.0 s. Show them: lockstep why --all\n',
    );
    assert.equal(inspectNamespace(namespace, { least: 0 }).brief, 0);
  } finally {
    waiter.kill();
    await waiter.join();
    hold.release();
    lock.close();
  }
});

test('a program that awaits what it holds, and perhaps the child behind it, is told as a possible deadlock', async () => {
  const namespace = `own-${process.pid}`;
  const lock = new Lock({ name: 'mine', namespace });
  const hold = lock.acquireSync();
  const child = new Process({ target: blockForLock, args: [lock], name: 'child' });
  child.start();
  try {
    await untilWaiting(lock, 1);
    const joining = why(namespace, '--all');
    assert.equal(joining.status, 1);
    assert.ok(
      joining.text.includes(
        `If it awaits the end of child (${child.pid}, members.js blockForLock), it is a deadlock,\n   unless other code of its event loop releases it, or the call gives up.\n`,
      ),
      joining.text,
    );
    const joined = child.join();
    const awaited = why(namespace, '--all');
    assert.ok(
      awaited.text.includes(` is idle in its event loop, and awaits the end of process ${child.pid}.\n`) &&
        awaited.text.includes(
          `They wait for each other: ${process.pid} awaits the end of child (${child.pid}, members.js blockForLock).\n`,
        ),
      awaited.text,
    );
    assert.doesNotMatch(awaited.text, /awaits something else|If it awaits/);
    const chain = why(namespace, String(child.pid));
    assert.match(chain.text, /\n {3}`- that is child \(pid \d+, .*: a circle, unless other code/);
    const awaiting = lock.acquire({ deadlock: 'ignore' });
    const itself = why(namespace, '--all');
    assert.match(itself.text, /\n {3}It awaits Lock "mine", which it holds itself\.\n/);
    assert.match(
      itself.text,
      /\n {3}It is a deadlock unless other code of its event loop releases it, or the call gives up\.\n/,
    );
    assert.doesNotMatch(itself.text, /awaits something else/);
    const about = why(namespace, String(process.pid));
    assert.match(
      about.text,
      /: a circle, unless other code of an event loop releases its object, or a wait gives up/,
    );
    child.kill();
    assert.equal(await joined, true);
    assert.deepEqual(endsOf(namespace), []);
    hold.release();
    (await awaiting).release();
  } finally {
    child.kill();
    await child.join();
    lock.close();
  }
});

test('awaiting joins are on record until they end: three children at most, each once', async () => {
  const namespace = `ends-${process.pid}`;
  const lock = new Lock({ name: 'kept', namespace });
  const hold = lock.acquireSync();
  const children = Array.from({ length: 4 }, () => new Thread({ target: blockForLock, args: [lock] }));
  for (const child of children) child.start();
  try {
    await untilWaiting(lock, 4);
    assert.equal(await children[1]!.join(1), false);
    const joins = [
      children[0]!.join(1e6),
      children[1]!.join(1e6),
      children[1]!.join(),
      ...children.slice(2).map((child) => child.join()),
    ];
    const recorded = children.slice(0, 3).map((child) => child.ident);
    assert.deepEqual(
      endsOf(namespace).map(({ pid, threadId, timed }) => [pid, threadId, timed]),
      recorded.map((id, index) => [process.pid, id, index === 0]),
    );
    const later = new Lock({ name: 'later', namespace: `${namespace}-later` });
    assert.deepEqual(
      endsOf(`${namespace}-later`).map(({ threadId }) => threadId),
      recorded,
      'a slot that the thread takes meanwhile shows them at once',
    );
    for (const child of children) child.kill();
    await Promise.all(joins);
    for (const each of [namespace, `${namespace}-later`]) assert.deepEqual(endsOf(each), []);
    later.close();
  } finally {
    for (const child of children) child.kill();
    for (const child of children) await child.join();
    hold.release();
    lock.close();
  }
});

/** The awaited ends of this program's own agent. */
function endsOf(namespace: string): readonly AwaitedEnd[] {
  const [seen] = inspectNamespace(namespace).namespaces;
  return seen!.agents.find(({ pid, threadId }) => pid === process.pid && threadId === 0)!.ends;
}

test('a barrier tells how many have come', async () => {
  const namespace = `barrier-${process.pid}`;
  const barrier = new Barrier(3, { name: 'round', namespace });
  const refused = assert.rejects(barrier.wait(), { name: 'BrokenBarrierError' });
  const { open, why } = inspectNamespace(namespace, { least: 0 });
  assert.deepEqual(
    open.map(({ state }) => [state.arrived, state.parties]),
    [[1, 3]],
  );
  assert.match(
    why,
    /^No deadlock\. But these calls may wait forever, .*:\n\nBarrier "round": 1 call waits, /,
  );
  assert.match(why, /\. 1 of 3 have come; 2 more are missing\.\n/);
  barrier.abort();
  await refused;
  barrier.close();
});

test('a process that has ended holds nothing, although its parent has not read its exit code', async () => {
  const namespace = `zombie-${process.pid}`;
  const program = `import { Lock } from 'lockstep';
    globalThis.hold = new Lock({ name: 'report', namespace: '${namespace}' }).acquireSync();
    console.log(process.pid);
    setInterval(() => {}, 1e6);`;
  // The shell becomes a program that never asks for the exit codes of its children.
  const parent = spawn(
    '/bin/sh',
    ['-c', '"$0" --input-type=module -e "$1" & exec sleep 1000', process.execPath, program],
    { cwd: root, env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const pid = Number(
      await new Promise((resolve) => parent.stdout.once('data', (data) => resolve(String(data)))),
    );
    const folder = `${sandbox}/lockstep-${userInfo().uid}.${namespace}`;
    const lives = (): string[] =>
      takeSnapshot({ folders: [folder] }).namespaces.flatMap(({ agents }) => agents.map(({ life }) => life));
    assert.deepEqual(lives(), ['alive']);
    process.kill(pid, 'SIGKILL');
    await until(() => /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')), 'it has ended');
    // Its first thread can be a zombie before the kernel has closed the files of all others.
    await until(() => lives().every((life) => life === 'dead'), 'the kernel to free its locks');
    const snapshot = takeSnapshot({ folders: [folder] });
    assert.equal(lives().length, 1);
    assert.doesNotMatch(explain(findStuck(snapshot, { least: 0 })), /kill/);
    assert.match(
      why(namespace, String(pid)).text,
      /is dead; the next thread that looks clears up after it\.\n/,
    );
    const lock = new Lock({ name: 'report', namespace });
    assert.equal(lock.locked, false);
    assert.notEqual(lock.acquireSync({ timeout: 0 }), null);
    lock.close();
  } finally {
    parent.kill();
  }
});
