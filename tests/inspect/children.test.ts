/** Children that have touched no shared object, and threads that await the end of children. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Event, Process, Thread } from 'lockstep';
import type { ChildSnapshot } from 'lockstep/inspect';
import { inspectNamespace } from 'lockstep/inspect';
import { Random } from '../soak/random.ts';
import { load } from '../support/internals.ts';
import { rejection } from '../support/pools.ts';
import '../support/sandbox.ts';
import { until } from '../support/until.ts';
import { lockstep, withoutTimes } from './commands.ts';
import { neverSettle, spin } from './members.ts';

function why(): string {
  return withoutTimes(inspectNamespace(undefined, { least: 0 }).why);
}

function unseen(): readonly ChildSnapshot[] {
  return inspectNamespace().namespaces.flatMap(({ children }) => children);
}

const { factsOfJob }: typeof import('../../src/workers/process/job-file.ts') = await load(
  'workers/process/job-file.js',
);

// Children are given the namespace of their program, which it joins with its first object.
const own = new Event();

test('a process that never ends is told with the call that awaits it, and listed', async () => {
  const child = new Process({ target: spin, args: [1], name: 'renderer' });
  child.start();
  const { pid } = child;
  try {
    const joined = child.join();
    await until(() => why().includes('which is busy'), 'it is busy');
    assert.match(
      why(),
      /^No deadlock\. These children are awaited:\n\nMainProcess \(\d+, children\.test\.js\) /,
    );
    assert.ok(
      why().includes(
        ` awaits the end of a child:\n \`- T renderer (${pid}, members.js spin), which is busy\n To see what it runs: node inspect -p ${pid}, then pause and bt.\n`,
      ),
      why(),
    );
    assert.match(
      lockstep('ps'),
      new RegExp(`\n ?${pid} - renderer members\\.js spin private to pid \\d+ busy\n`),
    );
    assert.match(
      lockstep('why', 'renderer'),
      /^renderer \(pid \d+, members\.js spin\) is busy[\s\S]* awaits the end of /,
    );
    assert.match(lockstep('why', String(pid)), /^renderer \(pid \d+, members\.js spin\) is busy/);
    process.kill(pid!, 'SIGSTOP');
    await until(() => why().includes('which is stopped (SIGSTOP)'), 'it is stopped');
    assert.ok(why().includes(` To let it go on: kill -CONT ${pid}\n`));
    child.kill();
    assert.equal(await joined, true);
    assert.deepEqual(unseen(), []);
    assert.doesNotMatch(why(), /awaited/);
  } finally {
    child.kill();
    await child.join();
  }
});

test('a result that is awaited is told as the end of its child, once', async () => {
  const process = new Process({ target: neverSettle, name: 'fetcher' });
  const thread = new Thread({ target: spin, name: 'thready' });
  process.start();
  thread.start();
  try {
    const results = [process.result, process.result, thread.result].map((result) => rejection(result));
    await until(() => why().includes(' awaits the end of 2 children:\n'), 'both are awaited');
    assert.match(why(), / T fetcher \(\d+, members\.js neverSettle\)/);
    assert.match(why(), new RegExp(` T thread ${thread.ident} of process \\d+\n`));
    process.kill();
    thread.kill();
    await Promise.all(results);
    await until(() => !why().includes('awaited'), 'both have ended');
  } finally {
    process.kill();
    thread.kill();
    await process.join();
    await thread.join();
  }
});

test('a spare process is none of the children that are listed', async () => {
  const made = await Process.warm(1);
  try {
    assert.deepEqual(unseen(), []);
    if (made === 0) return;
    const child = new Process({ target: spin, name: 'from a spare' });
    child.start();
    await until(() => unseen().some(({ name }) => name === 'from a spare'), 'the spare has become a child');
    assert.deepEqual(
      unseen().map(({ pid, parent, target }) => ({ pid, parent, target })),
      [{ pid: child.pid, parent: process.pid, target: 'spin' }],
    );
    child.kill();
    await child.join();
  } finally {
    await Process.warm(0);
  }
});

test('the beginning of a job is read whatever its bytes are', () => {
  const random = new Random(11, 0);
  const good = Buffer.alloc(512);
  good.writeInt32LE(0x324a534c);
  const text = JSON.stringify({ name: 'a', about: JSON.stringify({ target: 'b' }) });
  good.writeUInt32LE(text.length, 16);
  good.write(text, 20);
  assert.equal(factsOfJob(good)?.name, 'a');
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(good.subarray(0, random.below(513)));
    for (let change = random.below(4); change > 0 && bytes.length > 4; change--)
      bytes[4 + random.below(bytes.length - 4)] = random.below(256);
    const facts = factsOfJob(bytes);
    if (facts !== undefined) assert.equal(typeof facts.name, 'string');
  }
  own.close();
});
