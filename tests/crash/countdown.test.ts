/**
 * The countdown itself: a process dies at the point that it was given, and the variant of the
 * atomics is complete.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

type Atomics = typeof import('#atomics');

describe('the countdown', () => {
  it('kills the process before its k-th point, and not before', () => {
    const operations = 'store(w, 0, 1); say(1); cas(w, 0, 1, 2); say(2); add(w, 0, 1); say(3);';
    for (const k of [1, 2, 3]) {
      const { signal, stdout } = armed(k, operations);
      assert.equal(signal, 'SIGKILL');
      const said = Array.from({ length: k - 1 }, (_, index) => `${index + 1}\n`).join('');
      assert.equal(stdout, `${said}${['store', 'cas', 'add'][k - 1]} in an unnamed function\n`);
    }
    const { status, stdout } = armed(4, operations);
    assert.equal(status, 0);
    assert.equal(stdout, '1\n2\n3\npassed 3\n');
  });

  it('counts reads that follow each other once, and a word that still holds what was read not again', () => {
    const { stdout } = armed(
      9,
      'load(w, 0); load(w, 1); load(w, 0); store(w, 0, 1); load(w, 0); load(w, 0);',
    );
    assert.equal(stdout, 'passed 3\n');
  });

  it('counts every read where asked to', () => {
    const { stdout } = armed(9, 'load(w, 0); load(w, 1); load(w, 0); store(w, 0, 1); load(w, 0);', 'every');
    assert.equal(stdout, 'passed 4\n');
  });

  it('counts what changes files', () => {
    const { stdout } = armed(9, "closeSync(openSync('/dev/null')); statSync('/dev/null');");
    assert.equal(stdout, 'passed 2\n');
  });
});

describe('the variant of the atomics', () => {
  it('exports what the real module exports', async () => {
    const variant: Atomics = await import('./crashing-atomics.ts');
    const real: Atomics = await import(new URL('../../../build/src/memory/atomics.js', import.meta.url).href);
    assert.deepEqual(Object.keys(variant), Object.keys(real));
  });
});

/** Runs the operations on two words, `w`, armed to die at point `k`. */
function armed(
  k: number,
  operations: string,
  mode?: string,
): { status: number | null; signal: string | null; stdout: string } {
  const module = (name: string): string => new URL(`./${name}.js`, import.meta.url).href;
  const program = `
    import { closeSync, openSync, statSync, writeSync } from 'node:fs';
    import { arm, disarm } from '${module('countdown')}';
    import { add, cas, load, store } from '${module('crashing-atomics')}';
    const say = (text) => process.stdout.write(text + '\\n');
    await import('${module('crashing-files')}');
    const w = new Int32Array(2);
    arm(${k}, say);
    ${operations}
    say('passed ' + disarm());`;
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { env: { ...process.env, LOCKSTEP_CRASH: mode, NODE_TEST_CONTEXT: undefined }, encoding: 'utf8' },
  );
  assert.equal(stderr, '');
  return { status, signal, stdout };
}
