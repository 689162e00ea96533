/**
 * A test file in which a test fails while a child that it has started runs, and waits for what
 * never comes. Started by the test of the test runner.
 */

import '../support/sandbox.ts';
import { it } from 'node:test';
import { Process, Thread } from 'lockstep';
import { lingers } from '../support/targets.ts';

it('fails with children', () => {
  for (const Kind of [Process, Thread]) new Kind({ target: lingers }).start();
  throw new Error('as it should');
});
