/**
 * The leftovers of a thread that awaited must not touch the next one: its descriptors
 * are closed once, and by one.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Program } from '../support/programs.ts';
import { HANG_MS } from '../support/until.ts';

it('waves of threads that await one lock each have all their turns, and no warning', {
  timeout: HANG_MS,
}, async () => {
  const { code, stdout, stderr } = await new Program('waves').ended;
  assert.equal(stderr, '');
  assert.equal(stdout, 'all turns\n');
  assert.equal(code, 0);
});
