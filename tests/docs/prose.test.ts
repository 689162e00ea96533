/** Pages and sources name their actors and use common words; user pages have short sentences. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { root } from './markdown.ts';

/** A ratchet: comments that were not rewritten yet. Lower it, never raise it. */
const MOST_IN_SOURCES = 0;

interface Finding {
  path: string;
  line: number;
  kind: string;
  text: string;
}

const { findings, oddIn } = (await import(pathToFileURL(join(root, 'scripts/prose.mjs')).href)) as {
  findings: (words: string[]) => Finding[];
  oddIn: (sentence: string) => boolean;
};

const FOR_USERS = [
  'README.md',
  'docs/README.md',
  'docs/guide/',
  'docs/cookbook/',
  'docs/coming-from/',
  'docs/reference/errors.md',
];

test('no sentence for users has more than thirty words', () => {
  assert.deepEqual(shown(FOR_USERS, /^long$/), []);
});

test('no page has a headless "who" or "what", or an odd word', () => {
  const byHand = shown(['README.md', 'docs/'], /^(headless|odd)$/);
  // The reference is made from the sources, which the next test checks.
  assert.deepEqual(
    byHand.filter((line) => !line.startsWith('docs/reference/') || line.includes('errors.md')),
    [],
  );
});

test(`the sources have at most ${MOST_IN_SOURCES} of these`, () => {
  const found = shown(['src/'], /^(headless|odd)$/);
  assert.ok(found.length <= MOST_IN_SOURCES, found.join('\n'));
});

test('the checker knows the patterns that readers had to read twice', () => {
  for (const odd of [
    'waits for ever',
    'is not held any more',
    'whoever holds it',
    'nobody is told',
    'begins anew',
  ])
    assert.ok(oddIn(odd), odd);
  for (const common of ['waits forever', 'is no longer held', 'the holder', 'reports it', 'starts again'])
    assert.ok(!oddIn(common), common);
});

/** Sentences of those kinds in files whose paths begin so. */
function shown(beginnings: string[], kinds: RegExp): string[] {
  return findings(beginnings)
    .filter(
      ({ path, kind }) => kinds.test(kind) && beginnings.some((beginning) => path.startsWith(beginning)),
    )
    .map(({ path, line, kind, text }) => `${path}:${line}: ${kind}: ${text}`);
}
