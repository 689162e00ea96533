/** The pages show programs as they are in their files. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { filesBelow, read, root } from './markdown.ts';

/** `<!-- file: path -->` before a block says where its text comes from. */
const SHOWN = /<!-- file: (\S+) -->\n+```\w*\n([\s\S]*?)^```$/gm;

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
