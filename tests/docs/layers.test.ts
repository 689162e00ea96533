/**
 * The order of the layers is a lint rule, and the rule bites. Nothing imports itself by a detour,
 * and nothing what is above it.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Imports } from './imports.ts';
import { circleIn, importsBetween, specifiersIn } from './imports.ts';
import { codeIn, filesBelow, foldersIn, read, root, tablesOf } from './markdown.ts';

const RULE = 'lint/style/noRestrictedImports';
/** From the ground up. Folders in one row know nothing of each other. */
const ROWS = [
  ['platform', 'functions'],
  ['memory'],
  ['namespaces'],
  ['agents'],
  ['objects'],
  ['codec', 'waiting'],
  ['sync', 'workers'],
  ['shared', 'messaging'],
  ['pool'],
  ['kinds'],
  ['inspect', 'cluster'],
  ['entry', 'cli'],
];
const LAYERS = ROWS.flat();
const GROUND = [
  'contracts',
  'errors',
  'deadline',
  'package-root',
  'chunk',
  'pieces',
  'options',
  'readable',
  'strict',
  'stacks',
  'aborts',
  'clock',
  'long-timer',
  'with-resolvers',
  'turns',
  'sleep',
  'checks',
  'this-thread',
  'version',
];

/** Each line of `forbidden` breaks the rule, no line of `allowed` does. */
interface Case {
  readonly file: string;
  readonly forbidden: string[];
  readonly allowed: string[];
}

function cases(): Case[] {
  const atop = LAYERS.map((layer): Case => {
    const row = ROWS.findIndex((each) => each.includes(layer));
    const above = ROWS.slice(0, row).flat();
    const forbidden = LAYERS.filter((each) => each !== layer && !above.includes(each)).flatMap((later) => [
      `import { a } from '../${later}/a.ts';`,
      `import type { A } from '../../${later}/deep/a.ts';`,
      `export * from '../${later}/a.ts';`,
      `await import('../${later}/a.ts');`,
    ]);
    const allowed = [
      ...above.flatMap((name) => [`import { a } from '../${name}/a.ts';`, `import { B } from './b.ts';`]),
      ...GROUND.map((name) => `import { a } from '../${name}.ts';`),
      `import { load } from '#atomics';`,
      `import { park } from '#park';`,
    ];
    if (layer !== 'entry' && layer !== 'cli') forbidden.push(`import { Lock } from '../index.ts';`);
    if (layer !== 'platform') forbidden.push(`import koffi from 'koffi';`);
    if (row > ROWS.findIndex((each) => each.includes('memory'))) {
      forbidden.push(
        `import { load } from '../memory/atomics.ts';`,
        `import { type Words, cas } from '../memory/atomics.ts';`,
        `import { park } from '../memory/park.ts';`,
      );
      allowed.push(`import type { Words } from '../memory/atomics.ts';`);
    }
    return { file: `src/${layer}/${layer}-case.ts`, forbidden, allowed };
  });
  const ground = GROUND.map((name): Case => {
    const others = GROUND.filter((other) => other !== name);
    return {
      file: `src/${name}.ts`,
      forbidden: [...LAYERS.map((layer) => `import { a } from './${layer}/a.ts';`), `import './index.ts';`],
      allowed: others.map((other) => `import { a } from './${other}.ts';`),
    };
  });
  return [...atop, ...ground];
}

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-layers-'));
  const config = JSON.parse(read('biome.json')) as { vcs: { enabled: boolean } };
  config.vcs.enabled = false;
  writeFileSync(join(folder, 'biome.json'), JSON.stringify(config));
  for (const { file, forbidden, allowed } of cases()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${[...forbidden, ...allowed].join('\n')}\n`);
  }
});

after(() => rmSync(folder, { recursive: true, force: true }));

test('an import against the order of the layers is an error, one along it is not', () => {
  const { stdout } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/@biomejs/biome/bin/biome'),
      'lint',
      '--reporter=json',
      '--max-diagnostics=none',
      '--only=style/noRestrictedImports',
      '.',
    ],
    { cwd: folder, encoding: 'utf8' },
  );
  const report = JSON.parse(stdout) as {
    diagnostics: {
      category: string;
      severity: string;
      location: { path: string; start: { line: number } };
    }[];
  };
  const found = report.diagnostics.filter(({ category }) => category === RULE);
  for (const { file, forbidden } of cases()) {
    const lines = found
      .filter(({ severity, location }) => severity === 'error' && location.path === file)
      .map(({ location }) => location.start.line);
    assert.deepEqual(
      [...new Set(lines)].sort((a, b) => a - b),
      forbidden.map((_, index) => index + 1),
      `${file}: lines that the rule refuses`,
    );
  }
});

/** Imports of a file in a layer that does not stand above the one it lies in. */
function upwardIn(imports: Imports): string[] {
  // The files at the top are the ground, but for the index, above which is the last layer alone.
  const rowOf = (file: string): number => {
    if (file === 'index.ts') return ROWS.length - 1.5;
    return file.includes('/') ? ROWS.findIndex((row) => row.includes(layerOf(file))) : -1;
  };
  return [...imports].flatMap(([file, found]) =>
    found
      .filter((other) => layerOf(other) !== layerOf(file) || other === 'index.ts')
      .filter((other) => rowOf(other) >= 0 && rowOf(other) >= rowOf(file))
      .map((other) => `${file} -> ${other}`),
  );
}

function layerOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : '';
}

function importsOfSource(): Imports {
  const files = filesBelow('src', (path) => path.endsWith('.ts')).map((path) => join(root, path));
  return importsBetween(join(root, 'src'), files);
}

test('no file imports itself by a detour, also not its types', () => {
  const imports = importsOfSource();
  assert.ok(imports.size > 100, `${imports.size} files were found`);
  assert.ok(imports.get('index.ts')?.includes('sync/lock/lock.ts'), 'imports are seen');
  assert.equal(circleIn(imports)?.join(' -> '), undefined);
});

test('no file imports what stands above it, also not its types', () => {
  assert.deepEqual(upwardIn(importsOfSource()), []);
});

test('a planted circle of types, and a planted upward import, are found', () => {
  const planted = mkdtempSync(join(tmpdir(), 'lockstep-circle-'));
  try {
    const texts: Record<string, string> = {
      'agents/a.ts': `import type { B } from './b.ts';\nexport type A = B;\n`,
      'agents/b.ts': `/** import './none.ts' */\nexport type B = import('../objects/c.ts').C;\n`,
      'objects/c.ts': `export {\n  type A,\n  type B,\n} from '../agents/a.ts';\n`,
      'sync/d.ts': `import '../index.ts';\n`,
      'index.ts': `export {};\n`,
    };
    const files = Object.keys(texts).map((name) => join(planted, name));
    for (const [name, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(planted, name)), { recursive: true });
      writeFileSync(join(planted, name), text);
    }
    const imports = importsBetween(planted, files);
    assert.deepEqual(circleIn(imports), ['agents/a.ts', 'agents/b.ts', 'objects/c.ts', 'agents/a.ts']);
    assert.deepEqual(upwardIn(imports), ['agents/b.ts -> objects/c.ts', 'sync/d.ts -> index.ts']);
    writeFileSync(join(planted, 'objects/c.ts'), 'export type C = number;\n');
    assert.equal(circleIn(importsBetween(planted, files)), undefined);
  } finally {
    rmSync(planted, { recursive: true, force: true });
  }
  const text = `import x, { y } from "./x.ts"; await import('./z.ts');\n/* from './n.ts' */`;
  assert.deepEqual(specifiersIn(text), ['./x.ts', './z.ts']);
});

test('every folder of src is a layer', () => {
  for (const name of foldersIn('src'))
    assert.ok(LAYERS.includes(name), `src/${name} is not in the order of layers`);
});

test('CONTRIBUTING lists the layers in their order', () => {
  const table = tablesOf(read('CONTRIBUTING.md')).find(({ columns }) => columns[0] === 'layer')!;
  const listed = table.rows.flatMap(([name]) => codeIn(name!)).filter((name) => name.endsWith('/'));
  assert.deepEqual(
    listed.map((name) => name.slice(0, -1)),
    LAYERS,
  );
});

test('nothing but src/platform/linux, and what looks at other processes, reads /proc', () => {
  const readers = filesBelow('src', (path) => path.endsWith('.ts')).filter((file) =>
    /^(?! *[/*]).*['"`]\/proc/m.test(read(file)),
  );
  assert.ok(readers.length > 0);
  assert.deepEqual(
    readers.filter((file) => !/^src\/(platform\/linux|inspect)\//.test(file)),
    [],
  );
});
