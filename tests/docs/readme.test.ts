/** The README and CONTRIBUTING agree with the source. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { sandbox } from '../support/sandbox.ts';
import { blocksOf, foldersIn, read, root } from './markdown.ts';

const blocks = blocksOf(read('README.md'));

test('the README shows the programs as they are', () => {
  for (const path of ['examples/first-program.ts', 'examples/one-instance.ts'])
    assert.ok(
      blocks.some(({ text }) => text === read(path)),
      path,
    );
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
