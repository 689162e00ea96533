/** A circle through an event loop, which other code of that loop could still open. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lock, Process } from 'lockstep';
import { inspectNamespace } from 'lockstep/inspect';
import { until } from '../support/until.ts';
import { holdAndBlock } from './members.ts';

test('a call that awaits what its own event loop holds is listed, as other code may release it', async () => {
  const namespace = `own-${process.pid}`;
  const lock = new Lock({ name: 'mine', namespace });
  const hold = lock.acquireSync();
  const awaiting = lock.acquire();
  const { findings, open, why } = inspectNamespace(namespace, { least: 0 });
  assert.deepEqual(findings, []);
  assert.deepEqual(
    open.map(({ object, ending, heldByItself, calls }) => [object.title, ending, heldByItself, calls]),
    [['Lock "mine"', 'release', true, 1]],
  );
  assert.match(
    why,
    /^No certain deadlock\. But these calls may wait forever, if no thread does what they wait for:\n/,
  );
  assert.match(
    why,
    /It is a deadlock unless other code of its event loop releases it, or the call gives up\./,
  );
  hold.release();
  (await awaiting).release();
  assert.deepEqual(inspectNamespace(namespace, { least: 0 }).open, []);
  lock.close();
});

test('a program that awaits what one behind it holds is reported as the root of a possible cycle', async () => {
  const namespace = `event-loop-${process.pid}`;
  const mine = new Lock({ name: 'mine', namespace, deadlock: 'ignore' });
  const theirs = new Lock({ name: 'theirs', namespace, deadlock: 'ignore' });
  const hold = mine.acquireSync();
  const child = new Process({ target: holdAndBlock, args: [theirs, mine] });
  child.start();
  const giveUp = new AbortController();
  try {
    await until(
      () => theirs.owner?.pid === child.pid && inspectNamespace(namespace, { least: 0 }).findings.length > 0,
      'the child blocks',
    );
    const awaiting = theirs.acquire({ deadlock: 'ignore', signal: giveUp.signal });
    const { findings, why } = inspectNamespace(namespace, { least: 0 });
    assert.equal(findings.length, 1);
    const [finding] = findings;
    assert.ok(finding?.kind === 'keeper');
    assert.equal(finding.by.pid, process.pid);
    assert.equal(finding.by.waitsFor, null);
    assert.deepEqual(
      finding.by.alsoAwaits.map(({ title }) => title),
      ['Lock "theirs"'],
    );
    assert.match(why, /is busy, and awaits Lock "theirs"\./);
    assert.match(why, new RegExp(`holds Lock "theirs", which ${process.pid} awaits\\.`));
    assert.match(why, /It is a deadlock unless other code of the event loop/);
    giveUp.abort();
    await assert.rejects(awaiting, { name: 'AbortError' });
    assert.doesNotMatch(inspectNamespace(namespace, { least: 0 }).why, /awaits/);
  } finally {
    giveUp.abort();
    child.kill();
    await child.join();
    hold.release();
    mine.close();
    theirs.close();
  }
});
