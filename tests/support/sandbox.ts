/**
 * Gives a base folder of its own to the test file that imports it (first of all, before
 * `lockstep`). When the file is done, it checks that no process it started lives on and that
 * nothing is left in the folder. It ends what does live on, so that a test that fails does not keep
 * its file alive.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { describeProcess, killAll, processesOf } from './processes.ts';
import { holds, PATIENCE_MS } from './until.ts';

/** A process or thread that was started here. */
interface Live {
  readonly name: string;
  readonly daemon: boolean;
  kill(): void;
}

/** Where this file's namespaces live: `LOCKSTEP_DIR` of this process and of all that it starts. */
export const sandbox: string = mkdtempSync(
  join(process.env.LOCKSTEP_TEST_DIR ?? '/dev/shm', 'lockstep-test-'),
);
process.env.LOCKSTEP_DIR = sandbox;

after(async () => {
  // Registered last, so that it runs when the library has left: its own listener came before.
  process.once('exit', () => {
    const left = listing(sandbox);
    rmSync(sandbox, { recursive: true, force: true });
    if (left.length > 0) {
      console.error(`left behind in LOCKSTEP_DIR:\n  ${left.join('\n  ')}`);
      process.exitCode = 1;
    }
  });
  const { activeChildren } = await import('lockstep');
  const threads = (await liveChildren()).filter(({ daemon }) => !daemon);
  const children = [...new Set<Live>([...activeChildren(), ...threads])];
  const gone = children.length === 0 && (await holds(() => processesOf(sandbox).length === 0));
  const left = gone ? [] : processesOf(sandbox);
  const told = left.map(describeProcess).join(', ');
  for (const child of await liveChildren()) child.kill();
  killAll(left);
  endIfKeptAlive();
  assert.deepEqual(
    children.map(({ name }) => name),
    [],
    `children live on: ${told}`,
  );
  assert.ok(gone, `processes live on: ${told}`);
});

/** The processes and threads that live. The package as it is packed shows its processes only. */
async function liveChildren(): Promise<readonly Live[]> {
  const module = new URL('workers/children.js', import.meta.resolve('lockstep'));
  const { activeChildren } = await import('lockstep');
  if (!existsSync(module)) return activeChildren();
  const { liveChildren } = (await import(module.href)) as typeof import('../../src/workers/children.ts');
  return liveChildren();
}

/**
 * A thread, a socket or a timer that a failed test has left shall not keep the file alive. All
 * output is already written; an exit would wait for the thread.
 */
function endIfKeptAlive(): void {
  const end = (): void => {
    console.error(`the file is kept alive by: ${process.getActiveResourcesInfo().join(', ')}`);
    process.kill(process.pid, 'SIGKILL');
  };
  setTimeout(end, PATIENCE_MS).unref();
}

/** Everything below `folder`, as paths relative to it. */
export function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
}
