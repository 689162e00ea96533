/**
 * docs/internals/memory-layout.md says what src/memory/layout.ts and the headers of the primitives
 * say.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { codeIn, read, root, tablesOf } from './markdown.ts';

const PAGE = 'docs/internals/memory-layout.md';
const page = read(PAGE);
const tables = tablesOf(page);

async function exportsOf(module: string): Promise<Record<string, unknown>> {
  return (await import(pathToFileURL(join(root, 'build/src', module)).href)) as Record<string, unknown>;
}

/** Numbers by name; those in an object as `KIND.LOCK`. */
function constantsIn(exports: Record<string, unknown>): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value === 'number') found.set(name, value);
    else if (name === 'KIND')
      for (const [key, inner] of Object.entries(value as Record<string, number>))
        found.set(`${name}.${key}`, inner);
  }
  return found;
}

function constantsOnPage(): Map<string, number> {
  const rows = tables.filter(({ columns }) => columns[0] === 'constant').flatMap((table) => table.rows);
  assert.ok(rows.length > 0, 'the page has no table of constants');
  const found = new Map<string, number>();
  for (const [name, value] of rows) {
    const [constant = ''] = codeIn(name!);
    assert.ok(!found.has(constant), `${constant} has two rows`);
    found.set(constant, Number(value));
  }
  return found;
}

test('every constant of the layout is on the page with its value, and no other', async () => {
  const inSource = new Map([
    ...constantsIn(await exportsOf('memory/layout.js')),
    ...constantsIn(await exportsOf('agents/wait-table.js')),
  ]);
  assert.deepEqual(sorted(constantsOnPage()), sorted(inSource));
});

test('every kind that is listed is on the page with its number and its content, and no other', async () => {
  const { KINDS } = (await exportsOf('kinds/all.js')) as typeof import('../../src/kinds/all.ts');
  const table = tables.find(({ columns }) => columns[0] === 'kind')!;
  assert.deepEqual(
    table.rows.map(([name, number, content]) => [name, Number(number), content]),
    KINDS.filter(({ classOf }) => classOf === undefined)
      .sort((a, b) => a.number - b.number)
      .map(({ name, number, data = false, chain = false, ring }) => [
        name,
        number,
        [data && 'data', chain && 'chain', ring && 'ring'].filter(Boolean).join(', '),
      ]),
  );
});

test('every function of the layout is on the page', async () => {
  const mentioned = codeIn(page).map((code) => code.replace(/\(.*/, ''));
  for (const [name, value] of Object.entries(await exportsOf('memory/layout.js')))
    if (typeof value === 'function') assert.ok(mentioned.includes(name), `${name} is not on the page`);
});

for (const { heading, rows } of tables.filter(({ columns }) => columns[0] === 'word')) {
  const [source = ''] = codeIn(heading);
  test(`the words of ${heading} are those of its source file`, () => {
    assert.deepEqual(
      rows.map(([word, name, bits]) => ({ word, name, bits })),
      wordsInHeader(read(source)),
    );
  });
}

/** Rows `+0  NAME  bits  written by` of the comment that a primitive's file begins with. */
function wordsInHeader(text: string): { word: string; name: string; bits: string }[] {
  const header = text.slice(0, text.indexOf('*/')).split('\n');
  const columns = header.find((line) => /^ \*\s+word\s+name\s/.test(line));
  assert.ok(columns, 'the header has no table of words');
  const bitsAt = columns.indexOf('bits');
  const writersAt = columns.indexOf('written by');
  // A row continues in lines that have nothing under `word` and `name`.
  const goesOn = new RegExp(`^ \\* {${bitsAt - 2},}\\S`);
  const rows: { word: string; name: string; bits: string }[] = [];
  for (const line of header.slice(header.indexOf(columns) + 1)) {
    const bits = line.slice(bitsAt, writersAt).trim();
    if (/^ \*\s+\+\d/.test(line))
      rows.push({
        word: line.slice(2, columns.indexOf('name')).trim(),
        name: line.slice(columns.indexOf('name'), bitsAt).trim(),
        bits,
      });
    else if (goesOn.test(line)) rows.at(-1)!.bits += ` ${bits}`;
    else if (rows.length > 0) break;
  }
  // Bits are divided by bars, which end a cell of a page's table.
  return rows.map((row) => ({ ...row, bits: row.bits.trim().replaceAll(' | ', ' · ') }));
}

function sorted(constants: Map<string, number>): [string, number][] {
  return [...constants].sort(([a], [b]) => (a < b ? -1 : 1));
}
