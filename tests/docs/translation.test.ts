/** Pages in Chinese say what the English pages say that they translate. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { blocksOf, filesBelow, proseOf, read, tablesOf } from './markdown.ts';

const SOURCE = /^<!-- translates: (\S+) ([0-9a-f]{16}) -->$/m;
const translations = filesBelow('.', (path) => path.endsWith('.zh-CN.md'));

test('there is a README in Chinese', () => {
  assert.ok(translations.includes('README.zh-CN.md'));
});

for (const page of translations) {
  const text = read(page);
  const [, original = '', hash] = SOURCE.exec(text) ?? [];
  const english = read(original);

  test(`${page} translates ${original} as it is now`, () => {
    const now = createHash('sha256').update(english).digest('hex').slice(0, 16);
    assert.equal(hash, now, `bring ${page} up to date, then write ${now} into its first line`);
  });

  test(`${page} has the headings, tables and links of ${original}`, () => {
    const headings = (markdown: string): number[] =>
      proseOf(markdown).flatMap((line) => /^(#+) /.exec(line)?.[1]?.length ?? []);
    assert.deepEqual(headings(text), headings(english));
    const rows = (markdown: string): number[] => tablesOf(markdown).map((table) => table.rows.length);
    assert.deepEqual(rows(text), rows(english));
    const links = (markdown: string): string[] =>
      markdown
        .match(/\]\([^)]+\)/g)!
        .map((link) => link.replace('.zh-CN.md)', '.md)'))
        .filter((link) => !link.includes('README.'))
        .sort();
    assert.deepEqual(links(text), links(english));
  });

  test(`${page} has the code blocks of ${original}, to the byte`, () => {
    assert.deepEqual(blocksOf(text), blocksOf(english));
  });
}
