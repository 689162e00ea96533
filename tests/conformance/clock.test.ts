/**
 * Faked clocks and timers: every wait takes its time by the machine's clock, and none is endless.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { run } from '../support/programs.ts';
import '../support/sandbox.ts';
import { HANG_MS } from '../support/until.ts';

const EXPECTED = {
  'event.waitSync': false,
  'lock.acquireSync': null,
  'queue.getSync': 'QueueEmptyError',
  waitAnySync: [],
  'event.wait': false,
  'lock.acquire': null,
  'semaphore.acquire': null,
  'latch.wait': false,
  'queue.get': 'QueueEmptyError',
  'connection.poll': false,
  waitAny: [],
  'waitAny of nothing': 0,
  'condition.wait': false,
  timer: 'called',
  set: true,
};
const SOURCE = new URL('../../../src/', import.meta.url);
/** The linter sees to the globals; these are members. */
const FAKEABLE = /process\.(hrtime|nextTick)|Date\.now|new Date\(\)|node:timers|node:perf_hooks/;

describe('waits under faked clocks and timers', { timeout: HANG_MS, concurrency: true }, () => {
  for (const faker of ['node', 'sinon', 'assigned']) {
    for (const order of ['before', 'after']) {
      it(`take their time with those of ${faker}, installed ${order} Lockstep was loaded`, async () => {
        const { stdout, stderr } = await run('faked', { args: [faker, order] });
        assert.notEqual(stdout, '', stderr);
        assert.deepEqual(JSON.parse(stdout), EXPECTED);
      });
    }
  }

  it('are timed by nothing but src/clock.ts', () => {
    const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    assert.ok(files.includes('clock.ts'));
    const users = files.filter((file) => FAKEABLE.test(readFileSync(new URL(file, SOURCE), 'utf8')));
    assert.deepEqual(users, ['clock.ts']);
  });
});
