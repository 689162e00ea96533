/** What the README shows is so. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import * as lockstep from 'lockstep';
import { sandbox } from '../support/sandbox.ts';
import { blocksOf, codeIn, foldersIn, read, root, tablesOf } from './markdown.ts';

const readme = read('README.md');
const blocks = blocksOf(readme);
const tables = tablesOf(readme);
const exported = lockstep as unknown as Record<string, unknown>;

test('the first program is the file in examples', () => {
  const program = blocks.find(({ text }) => text.includes('isMainProcess'));
  assert.equal(program?.text, read('examples/first-program.ts'));
});

test('the first program prints what the README says', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'build/examples/first-program.js')],
    { encoding: 'utf8', env: { ...process.env, NODE_TEST_CONTEXT: undefined, LOCKSTEP_DIR: sandbox } },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stdout, blocks.find(({ text }) => text.includes('counter: 40000'))?.text);
});

test('the tree lists the folders that exist', () => {
  const tree = blocks.find(({ text }) => text.startsWith('src/'))!.text;
  const listed: string[] = [];
  let above = '';
  for (const line of tree.split('\n')) {
    const [, indent, folder] = /^( *)(\w+)\/ /.exec(line) ?? [];
    if (folder === undefined) continue;
    if (indent === '') above = folder;
    listed.push(indent === '' ? folder : `${above}/${folder}`);
  }
  const parents = ['src', 'examples', 'docs'];
  const existing = [
    ...foldersIn('.'),
    ...parents.flatMap((parent) => foldersIn(parent).map((name) => `${parent}/${name}`)),
  ];
  assert.deepEqual(listed.sort(), existing.sort());
});

test('the tables name every export but errors and types', () => {
  const named = tables
    .filter(({ columns }) => columns[0] === 'class' || columns[0] === 'export')
    .flatMap(({ rows }) => rows.flatMap(([name]) => codeIn(name!)))
    .map((code) => code.replace(/\W.*/s, ''));
  const expected = Object.keys(exported).filter(
    (name) => name === 'LockstepError' || !name.endsWith('Error'),
  );
  assert.deepEqual(named.sort(), expected.sort());
});

for (const [names, , members] of tables
  .filter(({ columns }) => columns[0] === 'class')
  .flatMap(({ rows }) => rows)) {
  const [name = ''] = codeIn(names!).map((code) => code.replace(/\W.*/s, ''));
  test(`${name} has the members that the README lists`, () => {
    const { prototype } = exported[name] as { prototype: object };
    for (const member of codeIn(members!)) {
      const key = member.replace(/\W.*/s, '');
      assert.ok(key in prototype, `${name} has no ${key}`);
    }
  });
}
