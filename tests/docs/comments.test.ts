/** Comment lines are at most 100 columns wide. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesBelow, read } from './markdown.ts';

const WIDEST = 100;
const SOURCES = ['src', 'tests', 'scripts', 'bench', 'examples'];
const COMMENT = /^\s*(\/\/|\/\*|\*)|\s\/\/ /;
/** Lines that must stay in one piece: orders to tools, and addresses. */
const UNBREAKABLE = /biome-ignore|@ts-|https?:\/\//;

for (const folder of SOURCES)
  test(`comment lines in ${folder} are at most ${WIDEST} columns wide`, () => {
    const wide = filesBelow(folder, (path) => /\.(ts|js|mjs|c)$/.test(path)).flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((line, index) =>
          line.length > WIDEST && COMMENT.test(line) && !UNBREAKABLE.test(line)
            ? [`${path}:${index + 1}`]
            : [],
        ),
    );
    assert.deepEqual(wide, []);
  });
