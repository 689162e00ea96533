/**
 * Pools: a worker or the program with the pool dies, at any point. Each call has one outcome, and
 * no file and no process is left. The pace is that of pace.ts.
 */

import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isLocked, processesOf } from '../support/processes.ts';
import { sandbox } from '../support/sandbox.ts';
import { until } from '../support/until.ts';
import { paceOf } from './pace.ts';

type Walked = import('./walk.ts').Walked;

/** Points that a scene has at the least. */
const AT_LEAST = 8;
const TOO_MANY = 1000;
const pace = paceOf();
/**
 * The program has some six hundred points, and each takes the start of three processes: the usual
 * run takes fewer of them than other walks do.
 */
const STEP: number = pace.step === 1 ? 1 : pace.step * 8;
const env = {
  ...process.env,
  LOCKSTEP_DIR: sandbox,
  LOCKSTEP_CRASH: pace.text,
  NODE_TEST_CONTEXT: undefined,
};
const words = mkdtempSync(`${tmpdir()}/lockstep-last-words-`);
after(() => rmSync(words, { recursive: true }));

function program(name: string, ...args: string[]): string[] {
  return ['--conditions=lockstep-crash', fileURLToPath(new URL(`./${name}.js`, import.meta.url)), ...args];
}

describe('killed at any point', () => {
  it('a worker: each call has one outcome, and the pool goes on', async (test) => {
    const walker = spawn(process.execPath, program('pool-walk', words), {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(walker, 'exit');
    const failures: string[] = [];
    let scenes = 0;
    for await (const line of createInterface({ input: walker.stdout! })) {
      const { name, deaths, points, failure } = JSON.parse(line) as Walked;
      test.diagnostic(`${name}: ${deaths} deaths at ${points} points (LOCKSTEP_CRASH=${pace.text})`);
      if (failure !== undefined) failures.push(`${name}: ${failure}`);
      else if (points < AT_LEAST) failures.push(`${name}: only ${points} points`);
      scenes++;
    }
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual(failures, [], `LOCKSTEP_CRASH=${pace.text}`);
    assert.equal(scenes, 9);
  });

  it('the program with the pool: no worker is left, and the next program sweeps', async (test) => {
    let point = pace.first(0);
    let deaths = 0;
    for (; ; point += STEP) {
      const victim: SpawnSyncReturns<string> = spawnSync(
        process.execPath,
        program('pool-victim', String(point)),
        { env, encoding: 'utf8' },
      );
      const { signal, status, stdout, stderr } = victim;
      const title = `LOCKSTEP_CRASH=${pace.text}: at point ${point} (${stdout.trim()})`;
      assert.equal(stderr, '', title);
      await until(
        () => processesOf(sandbox).length === 0 && !isLocked(sandbox),
        `${title}: the workers to end`,
      );
      if (status === 0) break;
      assert.equal(signal, 'SIGKILL', title);
      deaths++;
      const left = readdirSync(sandbox).length;
      assert.ok(left <= 1, `${title}: ${left} folders are left`);
      assert.ok(point < TOO_MANY, 'the program does not come to its end');
    }
    test.diagnostic(`${deaths} deaths at ${point} points (LOCKSTEP_CRASH=${pace.text})`);
    assert.ok(point >= AT_LEAST, `only ${point} points`);
    assert.deepEqual(readdirSync(sandbox), []);
  });
});
