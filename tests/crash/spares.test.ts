/**
 * Spares: their program dies while it makes one, or gives it a job. The spare ends, or the job
 * runs. It prints nothing, whatever it finds. The pace is that of pace.ts.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { processesOf } from '../support/processes.ts';
import { sandbox } from '../support/sandbox.ts';
import { until } from '../support/until.ts';
import { paceOf } from './pace.ts';

const PROGRAM = fileURLToPath(new URL('./spare-victim.js', import.meta.url));
/** Points that each part has at the least. */
const AT_LEAST = 5;
const TOO_MANY = 1000;
const pace = paceOf();
/** Each point takes the start of two processes: the usual run takes fewer than other walks do. */
const isWhole: boolean = pace.step === 1;
const env = {
  ...process.env,
  LOCKSTEP_DIR: sandbox,
  LOCKSTEP_CRASH: pace.text,
  NODE_TEST_CONTEXT: undefined,
};

describe('The program is killed at any point while', () => {
  for (const { when, what, first, step } of [
    { when: 'making', what: 'it makes a spare', first: pace.first(0), step: pace.step * 4 },
    // The usual run takes the point between the job and its header, too.
    { when: 'early', what: 'it gives a job to a spare that is being started', first: 1, step: 2 },
    { when: 'ready', what: 'it gives a job to a spare that waits', first: pace.first(1), step: pace.step },
  ]) {
    it(`${what}: the spare ends silently`, async (test) => {
      let point = isWhole ? 1 : first;
      for (; ; point += isWhole ? 1 : step) {
        // The spare has the program's streams open: they end when both have ended.
        const { signal, status, stdout, stderr } = spawnSync(
          process.execPath,
          ['--conditions=lockstep-crash', PROGRAM, String(point), when],
          { env, encoding: 'utf8' },
        );
        const title = `LOCKSTEP_CRASH=${pace.text}: at point ${point} (${stdout.trim()})`;
        assert.equal(stderr, '', title);
        await until(() => processesOf(sandbox).length === 0, `${title}: the spare to end`);
        if (status === 0) break;
        assert.equal(signal, 'SIGKILL', title);
        assert.ok(point < TOO_MANY, 'the program does not come to its end');
      }
      test.diagnostic(`${point} points (LOCKSTEP_CRASH=${pace.text})`);
      assert.ok(point >= AT_LEAST, `only ${point} points`);
    });
  }
});
