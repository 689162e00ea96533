/** The texts of `why`, `ls`, `ps` and `show` for one small world, as a terminal shows them. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { Barrier, Event, Lock, Process } from 'lockstep';
import { inspectNamespace } from 'lockstep/inspect';
import stringWidth from 'string-width';
import { root } from '../docs/markdown.ts';
import { sandbox } from '../support/sandbox.ts';
import { until, untilWaiting } from '../support/until.ts';
import { blockForEvent, blockForLock, holdBusy } from './members.ts';

const namespace = `texts-${process.pid}`;
const COMMAND = join(root, 'dist/cli/lockstep.js');
const lock = new Lock({ name: '发票', namespace });
const event = new Event({ name: 'ready', namespace });
const barrier = new Barrier(3, { name: 'gate', namespace });
const holder = new Process({ target: holdBusy, args: [lock], name: 'holder' });
const waiter = new Process({ target: blockForLock, args: [lock], name: '等待者' });
const hopeful = new Process({ target: blockForEvent, args: [event], name: 'hopeful' });

/** The output, with times as `T`. */
function lockstep(...args: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [COMMAND, ...args, '--namespace', namespace],
    { env: { ...process.env, LOCKSTEP_DIR: sandbox, NODE_OPTIONS: undefined }, encoding: 'utf8' },
  );
  assert.equal(stderr, '');
  return { status, text: stdout };
}

const timeless = (text: string): string => text.replaceAll(/\b(\d+ m )?\d+(\.\d)? s\b/g, 'T');

/** The lines of a table as cells: cut where its columns begin, as they look. */
function cells(text: string): string[][] {
  const [head = '', ...rows] = text.split('\n').filter((line) => line !== '');
  // A title that is aligned to the right ends its column; the others begin theirs.
  return [head, ...rows].map((line) => line.split(/ {2,}/).map((cell) => timeless(cell.trim())));
}

/** How far from the left the text begins on a terminal. */
const columnOf = (line: string, text: string): number => stringWidth(line.slice(0, line.indexOf(text)));

test('what the commands print for one small world', async (t) => {
  holder.start();
  hopeful.start();
  try {
    await until(() => lock.owner?.pid === holder.pid, 'the lock is held');
    waiter.start();
    await untilWaiting(lock, 1);
    await untilWaiting(event, 1);
    process.kill(holder.pid!, 'SIGSTOP');
    await until(
      () => /^State:\tT/m.test(readFileSync(`/proc/${holder.pid}/status`, 'utf8')),
      'the holder is stopped',
    );
    await until(
      () => inspectNamespace(namespace).findings.length === 1,
      'the wait has lasted long enough to be listed',
    );
    await printed(t);
  } finally {
    for (const child of [holder, waiter, hopeful]) {
      child.kill();
      await child.join();
    }
    for (const object of [lock, event, barrier]) object.close();
  }
});

async function printed(t: TestContext): Promise<void> {
  await t.test('why names the stopped holder, the waiter, and what helps', () => {
    const { status, text } = lockstep('why', '--all');
    assert.equal(status, 1);
    assert.equal(
      timeless(text).replace(
        /, which (is busy|is idle in its event loop|waits for .*)\.\n/,
        ', which runs.\n',
      ),
      `1 thing keeps others waiting:

1  holder (${holder.pid}, members.js holdBusy) holds Lock "发票" and is stopped (SIGSTOP).
   1 call waits, for T:
   \`- 等待者 (${waiter.pid}, members.js blockForLock)  T  for Lock "发票"
   To let it go on: kill -CONT ${holder.pid}

These calls may wait forever, if no thread does what they wait for:

Event "ready": 1 call waits for a thread to set it, for T.
   \`- hopeful (${hopeful.pid}, members.js blockForEvent)  T  blocked
   Could still set it: MainProcess (${process.pid}, texts.test.js), which runs.
`,
    );
  });

  await t.test(
    'why about the waiter shows the chain; about a thread that nothing keeps, that nothing is stuck',
    () => {
      const chain = lockstep('why', '等待者');
      assert.equal(chain.status, 1);
      assert.ok(
        timeless(
          chain.text,
        ).startsWith(`等待者 (pid ${waiter.pid}, members.js blockForLock) has been blocked for T: it waits for Lock "发票".
\`- held by holder (pid ${holder.pid}, members.js holdBusy),
   which is stopped (SIGSTOP).
`),
        chain.text,
      );
      const open = lockstep('why', 'hopeful');
      assert.equal(open.status, 0);
      assert.match(
        open.text,
        /it waits for Event "ready"\.\n\nNo deadlock\. But these calls may wait forever,/,
      );
    },
  );

  await t.test('ls lists the objects, in columns as wide as Chinese names look', () => {
    const { status, text } = lockstep('ls');
    assert.equal(status, 1);
    const lines = text.split('\n');
    const column = columnOf(lines[0]!, 'STATE');
    assert.deepEqual(
      ['held by', 'not set', '0 of 3'].map((state) =>
        columnOf(lines.find((line) => line.includes(state)) ?? '', state),
      ),
      [column, column, column],
    );
    assert.deepEqual(cells(text), [
      ['NAMESPACE', 'OBJECT', 'STATE', 'WAIT', 'LONGEST'],
      [namespace, 'Lock "发票"', `held by holder (${holder.pid}, members.js holdBusy)`, '1', 'T'],
      ['', 'Event "ready"', 'not set', '1', 'T'],
      ['', 'Barrier "gate"', '0 of 3 arrived'],
      ['1 namespace, 4 threads in 4 processes. 1 thing keeps others waiting: lockstep why'],
    ]);
  });

  await t.test('ps lists the threads: stopped, blocked, and what they hold', () => {
    const { status, text } = lockstep('ps');
    assert.equal(status, 1);
    const lines = text.split('\n');
    assert.equal(
      columnOf(lines.find((line) => line.includes('等待者'))!, 'members.js'),
      columnOf(lines[0]!, 'PROGRAM'),
    );
    const rows = new Map(
      cells(text).map((row) => {
        const [first = ''] = row;
        return [first, row];
      }),
    );
    assert.deepEqual(rows.get(String(holder.pid)), [
      String(holder.pid),
      '-',
      'holder',
      'members.js holdBusy',
      namespace,
      'stopped',
      'Lock "发票"',
    ]);
    assert.deepEqual(rows.get(String(waiter.pid)), [
      String(waiter.pid),
      '-',
      '等待者',
      'members.js blockForLock',
      namespace,
      'blocked: Lock "发票"',
      'T',
    ]);
  });

  await t.test('show has the holder, the threads that have it open, and the queue', () => {
    const { status, text } = lockstep('show', '发票');
    assert.equal(status, 0);
    assert.deepEqual(cells(text), [
      [`Lock "发票", namespace ${namespace}`],
      ['', 'state', `held by holder (${holder.pid}, members.js holdBusy)`],
      [
        '',
        'open in',
        `3 threads: texts.test.js ${process.pid}, members.js holdBusy ${holder.pid}, members.js blockForLock ${waiter.pid}`,
      ],
      ['', 'QUEUE', 'WHO', 'HOW', 'FOR'],
      ['', '1', `等待者 (${waiter.pid}, members.js blockForLock)`, 'blocked', 'T'],
    ]);
  });
}
