/** The programs of the reference check themselves: each has to succeed. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { filesBelow, root } from '../docs/markdown.ts';
import { sandbox } from '../support/sandbox.ts';

describe('programs that check themselves', { concurrency: 2 }, () => {
  for (const path of filesBelow('examples/reference', (file) => file.endsWith('.ts')))
    it(`${path} succeeds`, async () => {
      const child = spawn(process.execPath, [join(root, 'build', path.replace(/ts$/, 'js'))], {
        env: { ...process.env, NODE_TEST_CONTEXT: undefined, LOCKSTEP_DIR: sandbox },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const ended = new Promise((resolve) => child.once('close', resolve));
      const errors = await text(child.stderr);
      assert.equal(await ended, 0, errors);
    });
});
