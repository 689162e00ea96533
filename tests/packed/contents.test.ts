/**
 * Contents of the package as it would be published: the files that programs load, its declarations,
 * its size.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import '../support/sandbox.ts';
import { PackedPackage } from './package.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MOST_PACKED = 400_000;
const MOST_UNPACKED = 2_000_000;

describe('the package', () => {
  let installed: PackedPackage;
  let root: string;
  let files: string[];
  /** The chunk that all entries share. */
  let chunk: string;
  before(() => {
    installed = new PackedPackage();
    root = join(installed.folder, 'node_modules/lockstep');
    files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
      statSync(join(root, file)).isFile(),
    );
    const [path] = /lockstep-[0-9A-F]{8}\.cjs/.exec(readFileSync(join(root, 'dist/index.js'), 'utf8')) ?? [];
    chunk = join('dist', path!);
  });
  after(() => installed.remove());

  it('has one chunk, which all but the inspector load, and no import', () => {
    const entries = [
      'dist/index.js',
      'dist/entry/process.js',
      'dist/entry/thread.js',
      'dist/entry/pool-worker.js',
    ];
    for (const file of [...entries, chunk]) {
      const text = readFileSync(join(root, file), 'utf8');
      assert.doesNotMatch(text, /\b(?:from|import)\s*"/, file);
      const [, path] = /new URL\("([^"]+\.cjs)",import\.meta\.\s*url\)/.exec(text) ?? [];
      assert.equal(path && join(dirname(file), path), file === chunk ? undefined : chunk, file);
    }
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: Record<string, { default?: string } | string>;
    };
    const programs = Object.values(exports).flatMap((entry) =>
      typeof entry === 'object' ? [join(entry.default!)] : [],
    );
    for (const program of programs) assert.ok(files.includes(program), program);
  });

  it('has constants for what nothing assigns to: a variable is read each time', () => {
    const code = readFileSync(join(root, chunk), 'utf8');
    assert.match(code, /\bconst (?:[^;]*,\s*)?Lock=class/);
    assert.match(code, /\bconst (?:[^;]*,\s*)?MOST_SPINS=/);
    assert.match(code, /\bvar (?:[^;]*,\s*)?behind\b/);
  });

  it('has the declarations that a program needs, of the same types as the source', () => {
    writeFileSync(
      join(installed.folder, 'program.mts'),
      `import * as lockstep from 'lockstep';
export const lock: lockstep.Lock = new lockstep.Lock();
export * as cluster from 'lockstep/cluster';
export * as memory from 'lockstep/memory';
export * as inspect from 'lockstep/inspect';
`,
    );
    // What compiles with the source, and the lines that must not, with the package.
    const entries = { '': 'index', '/cluster': 'cluster/connect', '/inspect': 'inspect/inspect' };
    const paths = Object.entries(entries).map(([name, file]) => [
      `lockstep${name}`,
      [join(root, 'dist', `${file}.d.ts`)],
    ]);
    writeFileSync(
      join(installed.folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(ROOT, 'tsconfig.base.json'),
        compilerOptions: {
          ...{ composite: false, declaration: false, sourceMap: false, noEmit: true, skipLibCheck: false },
          rootDir: '/',
          typeRoots: [join(ROOT, 'node_modules/@types')],
          paths: Object.fromEntries(paths),
        },
        files: ['program.mts', ...['api', 'pool'].map((name) => join(ROOT, 'tests/types', `${name}.ts`))],
      }),
    );
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'],
      { cwd: installed.folder, encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout);
  });

  it('has the comments of what programs see, and code in them with its lines', () => {
    const text = ['index', 'common']
      .map((name) => readFileSync(join(root, `dist/${name}.d.ts`), 'utf8'))
      .join('');
    assert.match(text, /^interface WaitOptions \{\n\/\*\* Longest time to wait/m);
    assert.match(text, /^interface Results<.*\{\n\/\*\* The next result\./m);
    assert.match(text, /^ \* ```ts\n \* const timer = .*\n \* timer\.start\(\);\n/m);
  });

  it('is small', () => {
    const sizes = files.map((file) => statSync(join(root, file)).size);
    const unpacked = sizes.reduce((sum, size) => sum + size, 0);
    const [tarball] = readdirSync(installed.folder).filter((file) => file.endsWith('.tgz'));
    const packed = statSync(join(installed.folder, tarball!)).size;
    assert.ok(packed > 10_000 && packed <= MOST_PACKED, `packed ${packed} bytes`);
    assert.ok(unpacked > packed && unpacked <= MOST_UNPACKED, `unpacked ${unpacked} bytes`);
  });
});
