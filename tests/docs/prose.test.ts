/** The pages for users have short sentences, and name their actors. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './markdown.ts';

const PAGES = [
  'README.md',
  'docs/README.md',
  'docs/guide/',
  'docs/cookbook/',
  'docs/coming-from/',
  'docs/reference/errors.md',
];

test('no sentence for users has more than thirty words, or a headless "who" or "what"', () => {
  const { stdout, status } = spawnSync(
    process.execPath,
    [join(root, 'scripts/prose.mjs'), '--list', ...PAGES],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(status, 0);
  assert.deepEqual(
    stdout.split('\n').filter((line) => /^\S+:\d+: (long|headless): /.test(line)),
    [],
  );
});
