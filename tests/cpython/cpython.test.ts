/**
 * CPython's own tests of its locks, queues, pipes and values, against Lockstep: those that do not
 * take long. `npm run test:cpython` runs all of them, in all modes.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import '../support/sandbox.ts';
import { HANG_MS } from '../support/until.ts';
import { findPython, findPythonWithFutures, runPoolTests, runTests } from './python.ts';

/** Classes, or tests of them, that take a second or less each. */
const SHORT = [
  'LockTests',
  'RLockTests',
  'EventTests',
  'EventBurstTests',
  'BoundedSemaphoreTests',
  'BarrierTests',
  'WithProcessesTest(Lock|Semaphore|Queue|Value|Array|SharedCTypes)',
  'TestSimpleQueue',
  'TestSyncManagerTypes',
  'QueueTest',
  'SimpleQueueTest',
];

/** The same, of pools: they share one pool of processes. */
const SHORT_OF_POOLS = [
  'WithProcessesTestPool.test_(apply|map|map_async|map_async_callbacks|map_chunksize)',
  'WithProcessesTestPool.test_(map_handle_iterable_exception|starmap|starmap_async)',
  'WithProcessesTestPool.test_(imap|imap_unordered|imap_unordered_handle_iterable_exception)',
];

/** The same, of executors. */
const SHORT_OF_FUTURES = [
  'ThreadsInitializerTest.test_initializer',
  'ThreadsShutdownTest.test_(context_manager_shutdown|run_after_shutdown)',
  'ThreadsAsCompletedTest.test_(no_timeout|correct_timeout_exception_msg)',
  'ProcessesExecutorTest.test_map_chunksize',
];

const found = findPython();
const withFutures = findPythonWithFutures();
const python = 'python' in found ? found.python : '';

describe('CPython’s own tests', { timeout: HANG_MS, skip: 'missing' in found && found.missing }, () => {
  it('pass, with blocking calls of processes', async (t) => {
    const { code, output } = await runTests(python, ['--mode', 'sync', ...SHORT], () => {});
    for (const line of output.trim().split('\n')) t.diagnostic(line);
    assert.equal(code, 0, output);
    assert.match(output, /^\d{2,} passed, 0 failed, \d+ not applicable$/m);
  });

  it('of pools pass', async (t) => {
    const { code, output } = await runPoolTests(python, 'pool_suite', SHORT_OF_POOLS, () => {});
    for (const line of output.trim().split('\n')) t.diagnostic(line);
    assert.equal(code, 0, output);
    assert.match(output, /^\d{2,} passed, 0 failed, \d+ not applicable$/m);
  });

  it('of executors pass', {
    skip: withFutures === undefined && 'no Python here has test_concurrent_futures',
  }, async (t) => {
    const { code, output } = await runPoolTests(withFutures!, 'futures_suite', SHORT_OF_FUTURES, () => {});
    for (const line of output.trim().split('\n')) t.diagnostic(line);
    assert.equal(code, 0, output);
    assert.match(output, /^6 passed, 0 failed, \d+ not applicable$/m);
  });
});
