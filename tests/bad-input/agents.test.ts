/** More threads than fit into a namespace. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { run } from '../support/programs.ts';
import { listing, sandbox } from '../support/sandbox.ts';
import { HANG_MS } from '../support/until.ts';

/** Slots of a namespace (the layout's AGENT_SLOTS less the one that is never used). */
const PLACES = 255;
/** How many agents each thread is. All 255 as a thread each take half a minute to start. */
const crowds = [100, 100, 50, 1, 1, 1, 1, 1];
const program = fileURLToPath(new URL('../programs/joins.js', import.meta.url));

interface Told {
  worker: Worker;
  code: string | null;
}

/**
 * Starts a thread that joins the namespace as so many agents; resolves when it has, or was refused.
 */
function join(agents = 1): Promise<Told> {
  const worker = new Worker(program, {
    workerData: agents,
    resourceLimits: { maxOldGenerationSizeMb: 16, stackSizeMb: 1 },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', (code: string | null) => resolve({ worker, code }));
    worker.once('error', reject);
  });
}

describe('a namespace', { timeout: HANG_MS }, () => {
  it(`has room for ${PLACES} agents, refuses one more with a code, and has room again when one has left`, async () => {
    assert.equal(
      crowds.reduce((sum, agents) => sum + agents),
      PLACES,
    );
    const inside: Told[] = [];
    try {
      inside.push(...(await Promise.all(crowds.map((agents) => join(agents)))));
      assert.deepEqual(
        inside.filter(({ code }) => code !== null),
        [],
      );
      for (let i = 0; i < 2; i++) {
        const refused = await join();
        assert.equal(refused.code, 'ERR_LOCKSTEP_EXHAUSTED');
        await refused.worker.terminate();
      }
      await inside.pop()?.worker.terminate();
      const next = await join();
      inside.push(next);
      assert.equal(next.code, null);
    } finally {
      await Promise.all(inside.map(({ worker }) => worker.terminate()));
    }
    // All were ended from outside, and this thread was not in it: the next program sweeps.
    const { stdout } = await run('tries', { args: ['anonymous'] });
    assert.equal(stdout, '{"done":false}\n');
    assert.deepEqual(listing(sandbox), []);
  });
});
