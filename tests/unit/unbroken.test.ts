/** Work during which a thread must not be terminated. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../support/internals.ts';

const { keepStage, unbroken }: typeof import('../../src/platform/unbroken.ts') =
  await load('platform/unbroken.js');
const { declared }: typeof import('../../src/platform/linux/libc.ts') = await load('platform/linux/libc.js');

const FREE = 0;
const BUSY = 1;
const stage = new Int32Array(new SharedArrayBuffer(4));
keepStage(stage);
const stageNow = (): number => Atomics.load(stage, 0);

test('the parent waits until the outermost work is done, also where it throws', () => {
  const seen = unbroken(() => [unbroken(stageNow), stageNow()]);
  assert.deepEqual([...seen, stageNow()], [BUSY, BUSY, FREE]);
  const failing = (): never => {
    throw new Error('no');
  };
  assert.throws(() => unbroken(() => unbroken(failing)), /no/);
  assert.equal(stageNow(), FREE);
});

test('functions of the C library are made in such work, and once', () => {
  let made = 0;
  const calls = declared(() => ({ number: ++made, stage: stageNow() }));
  assert.deepEqual([calls(), calls()], Array(2).fill({ number: 1, stage: BUSY }));
  assert.equal(stageNow(), FREE);
});
