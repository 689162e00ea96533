/** More threads than fit into a namespace. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { run } from '../support/programs.ts';
import { listing, sandbox } from '../support/sandbox.ts';

/** Slots of a namespace (the layout's AGENT_SLOTS less the one that is never used). */
const PLACES = 255;
const program = fileURLToPath(new URL('../programs/joins.js', import.meta.url));

interface Told {
  worker: Worker;
  code: string | null;
}

/** Starts a thread that joins the namespace; resolves when it has, or was refused. */
function join(): Promise<Told> {
  const worker = new Worker(program, { resourceLimits: { maxOldGenerationSizeMb: 16, stackSizeMb: 1 } });
  return new Promise((resolve, reject) => {
    worker.once('message', (code: string | null) => resolve({ worker, code }));
    worker.once('error', reject);
  });
}

describe('a namespace', { timeout: 120_000 }, () => {
  it(`has room for ${PLACES} agents, refuses one more with a code, and has room again when one has left`, async () => {
    const inside: Told[] = [];
    try {
      while (inside.length < PLACES) {
        const batch = Math.min(4, PLACES - inside.length);
        inside.push(...(await Promise.all(Array.from({ length: batch }, join))));
      }
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
