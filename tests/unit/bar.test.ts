/** The text of a progress bar. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../support/internals.ts';

const { barText }: typeof import('../../src/pool/bar.ts') = await load('pool/bar.js');

test('it shows how much is done, and how long the rest may take', () => {
  const text = barText('Rows', { value: 25, total: 100, remaining: 61_000 }, 80);
  assert.equal(text, `Rows ${'█'.repeat(10)}${'░'.repeat(30)} 25% | 25/100 | 1m 1s left`);
  assert.match(barText('Rows', { value: 1, total: 2, remaining: 7_300_000 }, 80), /2h 1m left$/);
});

test('before the first item is done, it does not guess', () => {
  assert.match(barText('Rows', { value: 0, total: 9, remaining: undefined }, 80), /░ 0% \| 0\/9$/);
});

test('without a total it counts', () => {
  assert.equal(barText('Rows', { value: 7, total: undefined, remaining: undefined }, 80), 'Rows 7');
});

test('a long label is cut, and hides neither the bar nor the figures', () => {
  const text = barText('x'.repeat(100), { value: 5, total: 9, remaining: 3000 }, 80);
  assert.match(text, /^x{39}… █+░+ 55% \| 5\/9 \| 3s left$/);
});

test('it never reaches the edge of the terminal, and has one line', () => {
  for (const columns of [1, 10, 30, 60, 200]) {
    const text = barText('a label\nof two lines', { value: 5, total: 9, remaining: 3000 }, columns);
    assert.ok(text.length < Math.max(2, columns) && !text.includes('\n'), text);
  }
  assert.match(barText('Rows', { value: 5, total: 9, remaining: 3000 }, 60), /55% \| 5\/9 \| 3s left$/);
});
