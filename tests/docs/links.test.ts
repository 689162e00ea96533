/** The links of all pages lead somewhere. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { filesBelow, proseOf, read, root } from './markdown.ts';

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const ELSEWHERE = /^(https?:|mailto:)/;

for (const page of filesBelow('.', (path) => path.endsWith('.md'))) {
  test(`the links of ${page} lead to files and headings that exist`, () => {
    const text = proseOf(read(page))
      .join('\n')
      .replace(/`[^`\n]*`/g, '');
    for (const [, link = ''] of text.matchAll(LINK)) {
      if (ELSEWHERE.test(link)) continue;
      const [path = '', anchor] = link.split('#', 2);
      const target = path === '' ? page : join(dirname(page), path);
      assert.ok(existsSync(join(root, target)), `${link}: there is no ${target}`);
      if (anchor !== undefined) assert.ok(anchorsOf(target).includes(anchor), `${link}: no such heading`);
    }
  });
}

const PATH = /`((?:src|tests|docs|examples|scripts|bench)\/[\w./-]+)`/g;

for (const page of filesBelow('.', (path) => path.endsWith('.md') && !/CHANGELOG|decisions/.test(path)))
  test(`the paths that ${page} names exist`, () => {
    for (const [, path = ''] of read(page).matchAll(PATH)) assert.ok(existsSync(join(root, path)), path);
  });

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return proseOf(read(page))
    .filter((line) => line.startsWith('#'))
    .map((line) =>
      line
        .replace(/^#+\s*/, '')
        .toLowerCase()
        .replace(/[^\p{Letter}\p{Number}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    );
}
