/** The programs that the pages show run, and the pages show them as they are. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { sandbox } from '../support/sandbox.ts';
import { filesBelow, read, root } from './markdown.ts';

/** `<!-- file: path -->` before a block says where its text comes from. */
const SHOWN = /<!-- file: (\S+) -->\n+```\w*\n([\s\S]*?)^```$/gm;

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

for (const page of filesBelow('.', (path) => path.endsWith('.md') && !path.includes('node_modules'))) {
  const shown = [...read(page).matchAll(SHOWN)];
  if (shown.length > 0)
    it(`${page} shows programs as they are`, () => {
      for (const [, path = '', block] of shown) {
        assert.ok(existsSync(join(root, path)), path);
        assert.equal(block, read(path), path);
      }
    });
}
