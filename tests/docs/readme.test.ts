/** The README and CONTRIBUTING agree with the source. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { sandbox } from '../support/sandbox.ts';
import { blocksOf, foldersIn, read, root } from './markdown.ts';

const blocks = blocksOf(read('README.md'));

test('the README shows the programs as they are', () => {
  for (const path of ['examples/first-program.ts', 'examples/all-cores.ts', 'examples/one-instance.ts'])
    assert.ok(
      blocks.some(({ text }) => text === read(path)),
      path,
    );
});

for (const [program, line] of [
  ['first-program', 'counter: 40000'],
  ['all-cores', 'primes below'],
] as const) {
  test(`the ${program} prints what the README says`, () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, `build/examples/${program}.js`)],
      { encoding: 'utf8', env: { ...process.env, NODE_TEST_CONTEXT: undefined, LOCKSTEP_DIR: sandbox } },
    );
    assert.equal(status, 0, stderr);
    assert.equal(stdout, blocks.find(({ text }) => text.includes(line) && !text.includes('import '))?.text);
  });
}

test('the tree lists the folders that exist', () => {
  const tree = blocksOf(read('CONTRIBUTING.md')).find(({ text }) => text.startsWith('src/'))!.text;
  const listed: string[] = [];
  let above = '';
  for (const line of tree.split('\n')) {
    const [, indent, folder] = /^( *)([\w-]+)\/ /.exec(line) ?? [];
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
