/** Runs the walking program for a suite, and makes a test of each of its operations. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { processesOf } from '../support/processes.ts';
import { sandbox } from '../support/sandbox.ts';
import { paceOf } from './pace.ts';
import { HANG_MS } from './scene.ts';
import type { SuiteName } from './suites.ts';
import { suites } from './suites.ts';
import type { Walked } from './walk.ts';

/**
 * Of one operation with all its points. No bound on what is tested, only on how long a broken test
 * hangs.
 */
const PATIENCE_MS = 300_000;

/**
 * Tests that each operation of the suite can be died in at any point, as many of them as the pace
 * says (pace.ts).
 */
export function walks(suite: SuiteName): void {
  describe(`killed at any point of ${suite}`, () => {
    const pace = paceOf().text;
    const walked = new Map<string, (result: Walked | Error) => void>();
    const results = new Map<string, Promise<Walked | Error>>();
    for (const { name } of suites[suite])
      results.set(name, new Promise((resolve) => walked.set(name, resolve)));
    let walker: ChildProcess | undefined;

    before(() => {
      walker = startWalker(suite, pace, (result) => walked.get(result.name)?.(result));
      walker.once('exit', (code, signal) => {
        for (const resolve of walked.values())
          resolve(new Error(`the walking program ended with ${code ?? signal}`));
      });
    });
    after(async () => {
      if (walker === undefined || walker.exitCode !== null || walker.signalCode !== null) return;
      const ended = once(walker, 'exit');
      // Its last operation has ended, or its test has given it up.
      const timer = setTimeout(() => processesOf(sandbox).forEach(killIfThere), HANG_MS);
      await ended;
      clearTimeout(timer);
    });

    for (const { name, atLeast } of suites[suite]) {
      it(`${name}: the others go on`, { timeout: PATIENCE_MS }, async (test) => {
        const result = (await results.get(name)) ?? new Error('not walked');
        if (result instanceof Error) throw result;
        const { failure, deaths, points, longest } = result;
        const told = `${deaths} deaths at ${points} points (LOCKSTEP_CRASH=${pace})`;
        test.diagnostic(`${name}: ${told}, the others went on after ${longest.toFixed()} ms at most`);
        if (failure !== undefined) assert.fail(`LOCKSTEP_CRASH=${pace}: ${failure}`);
        assert.ok(points >= atLeast, `only ${points} points, there should be ${atLeast} at least`);
      });
    }
  });
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went with one that was killed before.
  }
}

function startWalker(suite: SuiteName, pace: string, onResult: (result: Walked) => void): ChildProcess {
  const program = fileURLToPath(new URL('./walk.js', import.meta.url));
  const walker = spawn(process.execPath, ['--conditions=lockstep-crash', program, suite], {
    env: { ...process.env, LOCKSTEP_DIR: sandbox, LOCKSTEP_CRASH: pace, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: walker.stdout! }).on('line', (line) => {
    if (line.startsWith('{')) onResult(JSON.parse(line) as Walked);
    else console.error(line);
  });
  return walker;
}
