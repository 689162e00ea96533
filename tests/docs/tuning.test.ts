/** The page of tuning constants has them as they are, and names rows that exist. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { read, tablesOf } from './markdown.ts';

const PAGE = 'docs/internals/tuning.md';
const [table] = tablesOf(read(PAGE));
const rowsOfBench = [...read('bench/figures.js').matchAll(/^ {4}row: '([^']+)'/gm)].map(([, row]) => row!);

test('each tuning constant on the page exists, with that value', () => {
  assert.ok(table!.rows.length > 40);
  for (const row of table!.rows) {
    const [name, file, value] = row.map((cell) => cell.replaceAll('`', '')) as [string, string, string];
    const found = new RegExp(`^(?:export )?const ${name}(?:: [^=\\n]+)? = ([^;\\n]+);`, 'm').exec(read(file));
    assert.equal(found?.[1], value, `${name} in ${file}`);
  }
});

test('the rows of the bench that the page names exist', () => {
  for (const row of table!.rows) assert.ok(row[4] === 'none' || rowsOfBench.includes(row[4]!), row[4]);
});
