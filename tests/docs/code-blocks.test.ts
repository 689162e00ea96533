/** The code blocks of all pages are good code, in every language that the pages use. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, it } from 'node:test';
import { transformSync } from 'esbuild';
import * as lockstep from 'lockstep';
import { filesBelow, read, root } from './markdown.ts';

interface Found {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** Declarations of what the block uses, from the comment before it; `undefined` without one. */
  readonly given: string | undefined;
  /** Whether it is shown from a file, which is compiled and run elsewhere. */
  readonly isFile: boolean;
}

const BLOCK = /(?:<!-- (given|file): ([\s\S]*?) -->\n+)?^( *)```(\w*)\n([\s\S]*?)^ *```$/gm;
/** Languages whose blocks are outputs, pictures, signatures or settings of other programs. */
const UNCHECKED = ['', 'text', 'typescript', 'yaml', 'ini', 'python'];
const FOLDER = join(root, 'build/docs-blocks');
const OPTIONS = {
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
};

const pages = filesBelow('.', (path) => path.endsWith('.md') && !path.endsWith('CHANGELOG.md'));
const blocks: Found[] = pages.flatMap((page) => {
  const text = read(page);
  return [...text.matchAll(BLOCK)].map(([whole, kind, value, , language = '', code = '']) => ({
    page,
    line: lineOf(text, whole),
    language,
    text: code,
    given: kind === 'given' ? value : undefined,
    isFile: kind === 'file',
  }));
});
const inLanguage = (language: string): Found[] => blocks.filter((block) => block.language === language);

it('only languages that are known here are used', () => {
  const known = new Set([...UNCHECKED, 'ts', 'js', 'json', 'sh']);
  assert.deepEqual(
    blocks.filter(({ language }) => !known.has(language)).map(({ page, language }) => `${page}: ${language}`),
    [],
  );
});

let faults = '';
const checked = inLanguage('ts').filter(({ isFile }) => !isFile);
before(() => {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const [index, block] of checked.entries())
    writeFileSync(join(FOLDER, `block${index}.ts`), moduleOf(block));
  writeFileSync(
    join(FOLDER, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: OPTIONS, files: checked.map((_, index) => `block${index}.ts`) }),
  );
  const { stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', FOLDER, '--pretty', 'false'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  faults = stdout;
});

for (const [index, { page, line }] of checked.entries())
  it(`the TypeScript in ${page}, line ${line}, compiles`, () => {
    const found = faults.split('\n').filter((fault) => fault.includes(`block${index}.ts(`));
    assert.deepEqual(found, []);
  });

it('the compiler has nothing else to say', () => {
  assert.ok(checked.length > 10);
  assert.deepEqual(
    faults.split('\n').filter((fault) => fault !== '' && !/^\s|block\d+\.ts\(/.test(fault)),
    [],
  );
});

for (const { page, line, text } of inLanguage('js'))
  it(`the JavaScript in ${page}, line ${line}, parses`, () => {
    transformSync(text, { loader: 'js', format: 'esm', target: 'es2022' });
  });

for (const { page, line, text } of inLanguage('json'))
  it(`the JSON in ${page}, line ${line}, parses`, () => {
    JSON.parse(text);
  });

it('the npm scripts that are shown exist', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const { page, text } of inLanguage('sh'))
    for (const [, script = ''] of text.matchAll(/npm run ([\w:-]+)/g))
      assert.ok(script in scripts, `${page}: ${script}`);
});

/**
 * The block as a module: its first line imports the names of Lockstep that the block itself does
 * not import.
 */
function moduleOf({ text, given = '' }: Found): string {
  const own = /from 'lockstep'/.test(text + given);
  const names = Object.keys(lockstep);
  return `${own ? '' : `import { ${names.join(', ')} } from 'lockstep'; `}${given.replaceAll('\n', ' ')} export {}; ${text}`;
}

/** The line on which the block begins; equal blocks have the line of the first. */
function lineOf(text: string, whole: string): number {
  return text.slice(0, text.indexOf(whole)).split('\n').length;
}
