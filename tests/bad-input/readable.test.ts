/**
 * The forms in which objects are read by people and logs: they never throw, whatever has become of
 * the object.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sandbox } from '../support/sandbox.ts';
import { HANG_MS } from '../support/until.ts';

const PROGRAM = fileURLToPath(new URL('../programs/shows-all.js', import.meta.url));
const STATES = ['open', 'closed', 'in callbacks', 'damaged', 'removed'];

describe('an object of any class can be shown', { concurrency: true, timeout: HANG_MS }, () => {
  for (const state of STATES) {
    it(state, async () => {
      const folder = `${sandbox}/${state.replace(' ', '-')}`;
      mkdirSync(folder);
      const program = spawn(process.execPath, [PROGRAM, state], {
        env: { ...process.env, LOCKSTEP_DIR: folder },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const [out, errors] = await Promise.all([
        text(program.stdout),
        text(program.stderr),
        program.exitCode ?? program.signalCode ?? once(program, 'exit'),
      ]);
      rmSync(folder, { recursive: true, force: true });
      assert.notEqual(out, '', `the program ended early: ${errors}`);
      const { failures, shown } = JSON.parse(out) as { failures: string[]; shown: number };
      assert.deepEqual(failures, []);
      assert.ok(shown > 25, `only ${shown} objects were shown`);
    });
  }
});
