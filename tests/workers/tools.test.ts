/** Test runners, compilers that hook into require(), and bundlers that leave Lockstep outside. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import '../support/sandbox.ts';
import { usersEnvironment } from '../support/environment.ts';
import { ROOT } from './run-file.ts';

const TOOLS = fileURLToPath(new URL('tests/tools/', ROOT));
const NONE = { code: 0, stdout: '', stderr: '' };
/** Runners end their workers without exit listeners, so what these had made is left behind. */
let left = '';
let cases = '';

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program in the folder of a case. */
async function run(folder: string, args: string[]): Promise<Ran> {
  const options = {
    cwd: join(cases, folder),
    env: {
      ...usersEnvironment(),
      NO_COLOR: '1',
      CI: '1',
      LOCKSTEP_DIR: left,
    },
  };
  try {
    return { ...NONE, ...(await promisify(execFile)(process.execPath, args, options)) };
  } catch (error) {
    return error as Ran & Error;
  }
}

function tool(path: string): string {
  return join(TOOLS, 'node_modules', path);
}

/** Makes the folder of a case. */
function write(folder: string, files: Record<string, string>): void {
  mkdirSync(join(cases, folder));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cases, folder, name), text);
}

const JOBS = `
  const adder = (by) => (n) => n + by;
  export function twice(n) { return 2 * n; }
  export const addOne = adder(1);
  export const hidden = { add: adder(100) };
  export default (n) => n + 5;
`;

/** The files that are tested under a runner; `test`, `equal` and `match` are defined before it. */
const UNDER_RUNNER = `
  import { Process, Thread } from 'lockstep';
  import job, { addOne, hidden, twice } from './jobs.mjs';
  const said = { module: new URL('./jobs.mjs', import.meta.url), export: 'twice' };
  for (const Kind of [Process, Thread]) test(Kind.name, async () => {
    const targets = Kind === Process ? [[addOne, 22]] : [[twice, 42], [addOne, 22], [job, 26], [said, 42]];
    const children = targets.map(([target]) => new Kind({ target, args: [21] }));
    for (const child of children) child.start();
    for (const [index, child] of children.entries()) equal(await child.result, targets[index][1]);
    for (const target of [hidden.add, (n) => n]) {
      let message = 'not refused';
      try { new Kind({ target }).start(); } catch (error) { message = error.code + ' ' + error.message; }
      match(message, REFUSED);
    }
  });
`;

before(async () => {
  const installed = join(TOOLS, 'node_modules/.package-lock.json');
  const lock = join(TOOLS, 'package-lock.json');
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await promisify(execFile)('npm', args, { cwd: TOOLS });
  }
  left = mkdtempSync('/dev/shm/lockstep-tools-');
  cases = mkdtempSync(join(TOOLS, 'cases-'));
  mkdirSync(join(cases, 'node_modules'));
  symlinkSync(fileURLToPath(ROOT), join(cases, 'node_modules/lockstep'));
});

after(() => {
  for (const folder of [cases, left]) rmSync(folder, { recursive: true, force: true });
});

describe('Targets', { concurrency: true }, () => {
  it('are found under Vitest', async () => {
    write('vitest', {
      'jobs.mjs': JOBS,
      'jobs.test.mjs': `import { expect, test } from 'vitest';
        const REFUSED = /ERR_LOCKSTEP_TARGET .*runs under Vitest, .*pass \\{ module, export \\}/;
        const equal = (a, b) => expect(a).toBe(b), match = (a, b) => expect(a).toMatch(b);
        ${UNDER_RUNNER}`,
    });
    const { code, stdout, stderr } = await run('vitest', [
      tool('vitest/vitest.mjs'),
      'run',
      '--testTimeout=60000',
    ]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Tests +2 passed/);
  });

  it('are found under Jest with ES modules', async () => {
    write('jest', {
      'package.json': '{ "private": true }',
      'jobs.mjs': JOBS,
      'jobs.test.mjs': `import { expect, test } from '@jest/globals';
        const REFUSED = /ERR_LOCKSTEP_TARGET .*runs under Jest, .*pass \\{ module, export \\}/;
        const equal = (a, b) => expect(a).toBe(b), match = (a, b) => expect(a).toMatch(b);
        ${UNDER_RUNNER}`,
    });
    const args = ['--testMatch', '**/*.test.mjs', '--testTimeout=60000', '--runInBand', '--no-cache'];
    const { code, stdout, stderr } = await run('jest', [
      '--experimental-vm-modules',
      tool('jest/bin/jest.js'),
      ...args,
    ]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stderr, /Tests: +2 passed/);
  });

  it('are found under node --test', async () => {
    write('node', {
      'jobs.mjs': JOBS,
      'jobs.test.mjs': `import { test } from 'node:test';
        import { equal, match } from 'node:assert/strict';
        const REFUSED = /ERR_LOCKSTEP_TARGET .*is not exported/;
        ${UNDER_RUNNER}`,
    });
    const { code, stdout, stderr } = await run('node', ['--test', '--test-reporter=tap', 'jobs.test.mjs']);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /# pass 2\b/);
  });

  for (const [name, hook] of [
    ['ts-node', 'ts-node/register/transpile-only'],
    ['swc-node', '@swc-node/register'],
  ] as const) {
    it(`are required as their parent has required them under ${name}, in TypeScript`, async () => {
      write(name, {
        'package.json': '{ "private": true }',
        'tsconfig.json': '{ "compilerOptions": { "module": "commonjs", "target": "es2022" } }',
        'jobs.ts': `enum Kind { A = 'a' }
          export default function job(n: number): string { return 'job' + Kind.A + n; }`,
        'main.ts': `import { isMainProcess, Process, Thread } from 'lockstep';
          import job from './jobs';
          enum Kind { B = 'b' }
          export function work(n: number): string { return Kind.B + n; }
          async function main() {
            const targets = [work, job, { module: __filename, export: 'work' }];
            const children = [Process, Thread, Thread].map((Kind, n) => new Kind({ target: targets[n], args: [1] } as never));
            for (const child of children) child.start();
            console.log((await Promise.all(children.map(({ result }) => result))).join());
          }
          if (isMainProcess) void main();`,
        'hooks.cjs': `require(${JSON.stringify(hook)}); require('./main.ts');`,
      });
      assert.deepEqual(await run(name, ['-r', hook, 'main.ts']), { ...NONE, stdout: 'b1,joba1,b1\n' });
      if (name !== 'ts-node') return;
      // A hook that is not in the options of Node does not reach the children.
      const { code, stderr } = await run(name, ['hooks.cjs']);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /TargetError: .*can't be imported, .*(name the loader in the options of Node|see its cause)/,
      );
    });
  }

  it('are found in bundles whose entry exports them, and refused otherwise, saying so', async () => {
    write('bundles', {
      'package.json': '{ "type": "module" }',
      'jobs.mjs': 'export function square(n) { return n * n; }',
      'main.mjs': `import { isMainProcess, Thread } from 'lockstep';
        import { square } from './jobs.mjs';
        export function own(n) { return n + 100; }
        async function main() {
          for (const target of [own, square]) {
            const child = new Thread({ target, args: [3] });
            try { child.start(); console.log(await child.result); } catch (error) { console.log(error.message); }
          }
        }
        if (isMainProcess) void main();`,
      'entry.mjs': "export * from './main.mjs'; export { square } from './jobs.mjs';",
      'webpack.cjs': `require(${JSON.stringify(tool('webpack'))})(['main', 'entry'].map((name) => ({
          mode: 'production', target: 'node20', entry: './' + name + '.mjs', externalsType: 'module', externals: { lockstep: 'lockstep' },
          experiments: { outputModule: true },
          output: { path: __dirname, filename: 'webpack-' + name + '.mjs', library: { type: 'module' } },
        })), (error, stats) => { if (error ?? stats.hasErrors()) throw error ?? new Error(stats.toString()); });`,
    });
    const esbuild = ['--bundle', '--platform=node', '--external:lockstep', '--log-level=error'];
    const bundled = await Promise.all([
      run('bundles', ['webpack.cjs']),
      ...['main', 'entry'].flatMap((name) => [
        run('bundles', [
          tool('rollup/dist/bin/rollup'),
          `${name}.mjs`,
          '-e',
          'lockstep',
          '--silent',
          '-o',
          `rollup-${name}.mjs`,
        ]),
        // Its start script is not needed where npm has installed the program itself.
        promisify(execFile)(
          tool('esbuild/bin/esbuild'),
          [`${name}.mjs`, ...esbuild, '--format=esm', '--minify', `--outfile=esbuild-${name}.mjs`],
          { cwd: join(cases, 'bundles') },
        ),
        promisify(execFile)(
          tool('esbuild/bin/esbuild'),
          [`${name}.mjs`, ...esbuild, '--format=cjs', `--outfile=esbuild-${name}.cjs`],
          { cwd: join(cases, 'bundles') },
        ),
      ]),
    ]);
    for (const { stderr } of bundled) assert.equal(stderr, '');
    const bundles = ['webpack-*.mjs', 'rollup-*.mjs', 'esbuild-*.mjs', 'esbuild-*.cjs'];
    await Promise.all(
      bundles.map(async (bundle) => {
        const entry = await run('bundles', [bundle.replace('*', 'entry')]);
        assert.deepEqual(entry, { ...NONE, stdout: '103\n9\n' }, bundle);
        const main = await run('bundles', [bundle.replace('*', 'main')]);
        assert.match(
          main.stdout,
          /^103\n.*target refused, .*if that file is a bundle, .*its entry has to export it/,
          bundle,
        );
      }),
    );
  });
});
