/** Tokens of holds: they grow from one holding to the next, in every process. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BoundedSemaphore, Condition, Event, Lock, Process, Queue, RLock, RWLock, Semaphore } from 'lockstep';
import { sendsTokens } from '../support/targets.ts';

it('tokens grow from one holding of a lock to the next, over three processes', async () => {
  const lock = new Lock();
  const tokens = new Queue<number>();
  const members = Array.from({ length: 3 }, () => new Process({ target: sendsTokens, args: [lock, tokens] }));
  for (const member of members) member.start();
  const seen: number[] = [];
  for (let i = 0; i < 60; i++) seen.push(await tokens.get());
  await Promise.all(members.map((member) => member.join()));
  assert.ok(
    seen.every((token, i) => i === 0 || token > seen[i - 1]!),
    `in the order of the holdings: ${seen.join(' ')}`,
  );
});

it('a hold has one token however often it is asked for, and nested holds of an RLock share it', () => {
  const lock = new RLock();
  const outer = lock.acquireSync();
  const { token } = outer;
  const inner = lock.acquireSync();
  assert.equal(inner.token, token);
  inner.release();
  assert.equal(outer.token, token);
  outer.release();
  const next = lock.acquireSync();
  assert.ok(next.token > token);
  next.release();
});

it('every kind of hold has a token, is valid until its release, and its signal is not aborted', () => {
  const rwlock = new RWLock();
  const acquirables = [
    new Lock(),
    new RLock(),
    new Semaphore(2),
    new BoundedSemaphore(2),
    rwlock.write,
    rwlock.read,
  ];
  for (const acquirable of acquirables) {
    const hold = acquirable.acquireSync();
    const { token } = hold;
    assert.ok(Number.isSafeInteger(token) && token > 0);
    assert.equal(hold.token, token);
    assert.equal(hold.valid, true);
    assert.equal(hold.signal.aborted, false);
    hold.release();
    assert.equal(hold.valid, false);
    assert.throws(() => hold.token, { code: 'ERR_LOCKSTEP_NOT_OWNER' });
    const next = acquirable.acquireSync();
    assert.ok(next.token > token);
    next.release();
  }
});

it('after the wait of a condition the hold has a new token: others may have held meanwhile', async () => {
  const condition = new Condition();
  const waiting = new Event();
  const hold = await condition.acquire();
  const before = hold.token;
  const notified = condition.wait();
  waiting.set();
  await condition.run(() => condition.notify());
  assert.equal(await notified, true);
  assert.ok(hold.token > before);
  hold.release();
});
