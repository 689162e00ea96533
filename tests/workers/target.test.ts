/** The child finds its target again. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Process, type ProcessOptions, Thread } from 'lockstep';
import { startOther, startTraced } from './fixtures/caller.ts';
import defaultArrow from './fixtures/default-arrow.ts';
import defaultFunction from './fixtures/default-function.ts';
import defaultName from './fixtures/default-name.ts';
import * as forms from './fixtures/forms.ts';
import { wrapped } from './fixtures/wrapping.ts';
import { program, runFile, source } from './run-file.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const stripsTypes = major > 22 || (major === 22 && minor >= 18);

for (const [kind, make] of [
  ['Process', (options: ProcessOptions) => new Process(options)],
  ['Thread', (options: ProcessOptions) => new Thread(options)],
] as const) {
  describe(`The target of a ${kind}`, () => {
    it('is found in whatever form it is exported', async () => {
      const targets: [() => unknown, unknown][] = [
        [forms.arrow, 'arrow'],
        [forms.renamed, 'local'],
        [forms.expression, 'expression'],
        [forms.sameName, 'the exported one'],
        [forms.nameless, 'nameless'],
        [defaultFunction, 'default function'],
        [defaultArrow, 'default arrow'],
        [defaultName, 'default name'],
      ];
      const children = targets.map(([target]) => make({ target }));
      for (const child of children) child.start();
      assert.deepEqual(
        await Promise.all(children.map(({ result }) => result)),
        targets.map(([, result]) => result),
      );
    });

    it('is found in a CommonJS module', async () => {
      const require = createRequire(import.meta.url);
      const { work } = require(source('fixtures/common.cjs')) as { work(n: number): number };
      const single = require(source('fixtures/single.cjs')) as () => string;
      const children = [make({ target: work as () => unknown, args: [21] }), make({ target: single })];
      for (const child of children) child.start();
      assert.deepEqual(await Promise.all(children.map(({ result }) => result)), [42, 'single']);
    });

    it('is found in the module that starts it, where another module made it', async () => {
      const started = startTraced(make as never);
      assert.equal(await started.result, 'traced by its caller');
      assert.throws(() => startOther(make as never), {
        code: 'ERR_LOCKSTEP_TARGET',
        message: /"other" .*was made within another function and is not exported/,
      });
    });

    it('can be said outright, as a module and an export', async () => {
      const url = new URL('./fixtures/forms.js', import.meta.url);
      const said: [ProcessOptions['target'], string][] = [
        [{ module: url, export: 'nameless' }, 'nameless'],
        [{ module: url.href, export: 'arrow' }, 'arrow'],
        [{ module: source('fixtures/single.cjs') }, 'single'],
        [{ module: new URL('./default-function.js', url).pathname }, 'default function'],
      ];
      const children = said.map(([target]) => make({ target }));
      for (const child of children) child.start();
      assert.deepEqual(
        await Promise.all(children.map(({ result }) => result)),
        said.map(([, result]) => result),
      );
    });

    it('is refused at start when it is not exported, naming the module and what to write', () => {
      const refused: [() => unknown, RegExp][] = [
        [forms.getHidden(), /"hidden" \(file:.*forms\.\w+:\d+\) is not exported .*write "export"/],
        [forms.makeSameName(), /"sameName" .*is not exported/],
        [forms.object.method, /"method" .*is not exported/],
        [
          {
            inner: () => 1,
            m() {
              return 5;
            },
          }.m,
          /"m" .*is a method, which is not exported .*a function that calls it/,
        ],
        [wrapped(() => 'unexported'), /wrapping.* is not exported.*pass \{ module: import\.meta\.url/],
        [() => 5, /target\.test.* is not exported, .*move it to the module's top level, .*as arguments/],
        [forms.arrow.bind(null), /a bound function/],
        [Math.random, /one of Node's own/],
        [new Function('return 5') as () => unknown, /was evaluated/],
      ];
      for (const [target, message] of refused) {
        const child = make({ target });
        assert.throws(() => child.start(), { code: 'ERR_LOCKSTEP_TARGET', message });
        assert.equal(child.isAlive(), false);
      }
    });

    it('that is said outright and is not there is the child’s error', async () => {
      const url = new URL('./fixtures/forms.js', import.meta.url);
      const missing: [ProcessOptions['target'], RegExp][] = [
        [{ module: url, export: 'noSuch' }, /"noSuch" of file:.*not found, .*it has .*arrow/],
        [{ module: url, export: 'object' }, /not found/],
        [{ module: new URL('./no-such.js', url) }, /can't be imported, Cannot find module/],
      ];
      for (const [target, message] of missing) {
        const child = make({ target });
        child.start();
        await assert.rejects(child.result, { code: 'ERR_LOCKSTEP_TARGET', message });
        assert.equal(child.exitCode, 1);
      }
      assert.throws(() => make({ target: { module: './forms.js' } }).start(), {
        code: 'ERR_LOCKSTEP_TARGET',
        message: /neither a URL nor an absolute path/,
      });
    });
  });
}

describe('A target', () => {
  it('of a class that is not exported is refused', () => {
    assert.throws(() => forms.makeHidden().start(), {
      code: 'ERR_LOCKSTEP_TARGET',
      message: /its class refused, "Hidden" .*is not exported/,
    });
  });

  it('is found in the main module while that is still running', async () => {
    const { code, stdout, stderr } = await runFile([program('main-module')]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(JSON.parse(stdout), [
      { kind: 'plain', value: 'process' },
      { kind: 'plain', value: 'thread' },
      3,
    ]);
  });

  it('of a program that forgets to guard its top level is refused in the child, saying what to write', async () => {
    const { code, stdout, stderr } = await runFile([program('unguarded')]);
    assert.deepEqual([code, stdout], [0, 'started\n']);
    assert.match(
      stderr,
      /StateError: Process "Process-1:1": can't be started, .*put what the program does under "if \(isMainProcess\)"/,
    );
  });

  it('is found in a CommonJS main module', async () => {
    const { code, stdout } = await runFile([source('fixtures/common.cjs')]);
    assert.equal(code, 0);
    const { found, refused } = JSON.parse(stdout) as { found: number[]; refused: string };
    assert.deepEqual(found, [8, 10, 12]);
    assert.match(refused, /"late" .*is not in its module's exports; write "module\.exports\.late = /);
  });

  it('is found by a program on the command line, and refused inside it', async () => {
    const code = `
      import { Process } from 'lockstep';
      import { arrow } from ${JSON.stringify(pathToFileURL(source('../../build/tests/workers/fixtures/forms.js')).href)};
      const child = new Process({ target: arrow });
      child.start();
      console.log(await child.result);
      export function exported() {}
      for (const target of [function inside() {}, exported, { module: import.meta.url, export: 'exported' }]) {
        try { new Process({ target }).start(); } catch (error) { console.log(error.message); }
      }
    `;
    const { stdout, stderr } = await runFile(['--input-type=module', '--eval', code]);
    assert.equal(stderr, '');
    const [result, ...refusals] = stdout.trim().split('\n');
    assert.equal(result, 'arrow');
    assert.equal(refusals.length, 3);
    assert.match(refusals[0]!, /"inside" was evaluated .*put it into a module/);
    assert.match(refusals[1]!, /"exported" was evaluated .*put it into a module/);
    assert.match(refusals[2]!, /given to Node as text .*put it into a file/);
  });

  it('is found in TypeScript under Node’s own type stripping', {
    skip: stripsTypes ? false : 'this Node does not strip types',
  }, async () => {
    const { code, stdout, stderr } = await runFile([source('programs/main-module.ts')]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal((JSON.parse(stdout) as unknown[]).length, 3);
  });

  it('is found in TypeScript under tsx', async () => {
    const args = major >= 22 ? [] : ['--no-thread'];
    const { code, stdout, stderr } = await runFile([
      '--import',
      'tsx',
      source('programs/main-module.ts'),
      ...args,
    ]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal((JSON.parse(stdout) as unknown[]).length, 3 - args.length);
  });

  it('of a Thread in TypeScript is refused under tsx on Node 20, saying so', {
    skip: major >= 22 ? 'tsx reaches the threads of this Node' : false,
  }, async () => {
    const { code, stderr } = await runFile(['--import', 'tsx', source('programs/main-module.ts')]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /TargetError: Thread "Thread-1": target refused, .*tsx does not reach the threads of Node 20/,
    );
  });
});
