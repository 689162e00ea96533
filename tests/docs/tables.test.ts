/** A row of a table without a head above it is shown as a line of bars. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesBelow, proseOf, read } from './markdown.ts';

const RULE = /^\|(\s*:?-+:?\s*\|)+$/;

for (const page of filesBelow('.', (path) => path.endsWith('.md'))) {
  test(`every table of ${page} has a head`, () => {
    const lines = proseOf(read(page));
    for (const [n, line] of lines.entries()) {
      const begins = line.startsWith('|') && lines[n - 1]?.startsWith('|') !== true;
      if (begins) assert.match(lines[n + 1] ?? '', RULE, line);
    }
  });
}
