/**
 * A child runs the very function that was passed, or the target is refused: functions that one
 * factory made have the same text and the same name.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runFile, source } from './run-file.ts';

type Endings = Record<string, string>;

const FOUND = /^same$/;
const NOT_FOUND = /^ERR_LOCKSTEP_TARGET at start: .*(is not exported|is not in its module's exports)/;
const OTHER_THERE =
  /^ERR_LOCKSTEP_TARGET in the child: .*another function .*\(it captured another value of "\w+"\)/;

const MODULES: Record<string, RegExp> = {
  add: FOUND,
  tracedHere: FOUND,
  plain: FOUND,
  'of another module': FOUND,
  'under another name': FOUND,
  'the default, wrapped': FOUND,
  'the default by name': FOUND,
  'the wrapper counts its calls': FOUND,
  'a class of a factory': FOUND,
  'of CommonJS': FOUND,
  'of a second instance': FOUND,
  'a brother by its name': NOT_FOUND,
  'a brother by its set name': NOT_FOUND,
  'a brother of a second instance': NOT_FOUND,
  'a brother in the module of the export': NOT_FOUND,
  'a brother of the default': NOT_FOUND,
  'the inside of a default': NOT_FOUND,
  'a brother of a class': NOT_FOUND,
  'assigned after the default was taken': NOT_FOUND,
  reassigned: NOT_FOUND,
  conditional: OTHER_THERE,
  'conditional options': OTHER_THERE,
  'conditional text': /^ERR_LOCKSTEP_TARGET in the child: .*another function .*\(its text differs\)/,
  'a conditional class': OTHER_THERE,
  'a Proxy': /^ERR_LOCKSTEP_TARGET at start: .*it is a Proxy/,
  bound: /^ERR_LOCKSTEP_TARGET at start: .*a bound function/,
  'a getter’s': NOT_FOUND,
  'of a replaced module': /^ERR_LOCKSTEP_TARGET in the child: .*not found/,
  'of a script with a module’s name': NOT_FOUND,
  'of another context': /^ERR_LOCKSTEP_TARGET at start: .*under a context of node:vm/,
};

const COMMON: Record<string, RegExp> = {
  'made by an ES module': FOUND,
  'made by another CommonJS module': FOUND,
  'of another module': FOUND,
  'a brother': NOT_FOUND,
  'put into the exports of another module': OTHER_THERE,
  conditional: OTHER_THERE,
};

describe('A target that a factory made', { concurrency: true }, () => {
  for (const [kind, file, expected] of [
    ['an ES module', 'main.mjs', MODULES],
    ['a CommonJS module', 'main.cjs', COMMON],
  ] as const) {
    it(`is found as what it is, or refused, in ${kind}`, async () => {
      const { code, stdout, stderr } = await runFile([source(`programs/wrong-functions/${file}`)]);
      assert.equal(code, 0, stderr);
      const endings = JSON.parse(stdout) as Endings;
      assert.deepEqual(Object.keys(endings).sort(), Object.keys(expected).sort());
      for (const [name, ending] of Object.entries(endings)) assert.match(ending, expected[name]!, name);
    });
  }
});
