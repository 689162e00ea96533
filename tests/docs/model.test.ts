/** The page on the model lists the scenarios and the mutants that there are. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MUTANTS } from '../model/mutations/all.ts';
import { SCENARIOS } from '../model/scenarios/all.ts';
import { codeIn, read, tablesOf } from './markdown.ts';

const tables = tablesOf(read('docs/internals/model.md'));

function rowsOf(heading: string): string[][] {
  return (tables.find((table) => table.heading === heading)?.rows ?? []).map((row) => [...row]);
}

for (const [primitive, scenarios] of Object.entries(SCENARIOS)) {
  test(`the table of ${primitive} lists its scenarios and their bounds`, () => {
    const listed = rowsOf(primitive).map((row) => row.slice(0, 4));
    const existing = scenarios.map(({ name, actors, deaths = 0, preemptions }) => {
      return [name, `${actors.length}`, `${deaths}`, preemptions.join(' / ')];
    });
    assert.deepEqual(listed, existing, 'print them with: npm run model -- --table');
  });
}

test('the table of mutants lists them all, with the scenario that finds each', () => {
  const listed = rowsOf('What it finds').map(([name, file, found]) => [name, ...codeIn(file!), found]);
  const existing = MUTANTS.map(({ name, file, primitive, scenario }) => {
    return [name, file.replace(/\.js$/, '.ts'), `${primitive}: ${scenario}`];
  });
  assert.deepEqual(listed, existing);
});
