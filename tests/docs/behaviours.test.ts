/**
 * docs/internals/behaviours.md has the behaviours that the titles of tests cite, no more and no
 * less.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeIn, filesBelow, read, tablesOf } from './markdown.ts';

const PAGE = 'docs/internals/behaviours.md';
const LONGEST = 25;
/** The numbers that a title begins with: those of tests/workers have no letter. */
const TITLE = /['"`]([A-Z]?\d+(?:, [A-Z]?\d+)*)( HAZARD)?: (?=\S)/g;

interface Row {
  readonly number: string;
  readonly hazard: boolean;
  readonly behaviour: string;
  readonly last: string;
}

const tables = tablesOf(read(PAGE)).filter(({ columns }) => columns[0] === 'number');
const rowsOf = (column: string): Row[] =>
  tables
    .filter(({ columns }) => columns[2] === column)
    .flatMap(({ rows }) => rows)
    .map(([number = '', behaviour = '', last = '']) => ({
      number: number.replace(' **!**', ''),
      hazard: number.endsWith('**!**'),
      behaviour,
      last,
    }));
const listed = rowsOf('suites');
const leftOut = rowsOf('reason');

/** Suites by the number that they cite. */
function citations(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const path of filesBelow('tests', (file) => file.endsWith('.ts')))
    for (const [, numbers = ''] of read(path).matchAll(TITLE))
      for (const number of numbers.split(', ')) {
        const suites = found.get(number) ?? new Set();
        found.set(number, suites.add(path.replace(/^tests\//, '').replace(/(\.test)?\.ts$/, '')));
      }
  return found;
}

const cited = citations();
const digits = (number: string): string => number.slice(1);
/**
 * A number with no letter stands for that of any letter but X, whose numbers are a series of their
 * own.
 */
const suitesOf = (number: string): string[] =>
  [
    ...new Set([
      ...(cited.get(number) ?? []),
      ...((number.startsWith('X') ? undefined : cited.get(digits(number))) ?? []),
    ]),
  ].sort();

test('every number that a title cites is on the page', () => {
  const known = new Set(
    listed.flatMap(({ number }) => [number, ...(number.startsWith('X') ? [] : [digits(number)])]),
  );
  assert.ok(cited.size > 100, `only ${cited.size} numbers are cited`);
  assert.deepEqual(
    [...cited.keys()].filter((number) => !known.has(number)),
    [],
  );
});

test('every behaviour on the page is cited by the suites that it names', () => {
  for (const { number, last } of listed) assert.deepEqual(codeIn(last), suitesOf(number), number);
});

test('what is left out has its reason, and no title', () => {
  assert.ok(leftOut.length > 0);
  for (const { number, last } of leftOut) {
    assert.notEqual(last, '', number);
    assert.deepEqual(suitesOf(number), [], number);
  }
});

test('no number is on the page twice, and no sentence is longer than twenty-five words', () => {
  const rows = [...listed, ...leftOut];
  const numbers = rows.map(({ number }) => (number.startsWith('X') ? number : digits(number)));
  assert.deepEqual(
    numbers.filter((number, index) => numbers.indexOf(number) !== index),
    [],
  );
  for (const { number, behaviour } of rows) {
    assert.match(number, /^[A-TX]\d+$/);
    assert.match(behaviour, /\.$/, number);
    assert.ok(behaviour.split(/\s+/).length <= LONGEST, `${number} is too long`);
  }
});

test('a title says HAZARD only where the page does', () => {
  const hazards = new Set(listed.filter(({ hazard }) => hazard).map(({ number }) => number));
  for (const path of filesBelow('tests', (file) => file.endsWith('.ts')))
    for (const [, numbers = '', hazard] of read(path).matchAll(TITLE))
      if (hazard !== undefined)
        assert.ok(
          numbers.split(', ').some((number) => hazards.has(number)),
          `${path}: ${numbers}`,
        );
});
