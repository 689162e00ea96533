/** The command `lockstep`, run to its end. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../docs/markdown.ts';
import { sandbox } from '../support/sandbox.ts';

const COMMAND = join(root, 'dist/cli/lockstep.js');
const env = { ...process.env, LOCKSTEP_DIR: sandbox, NODE_OPTIONS: undefined };

/** What the command prints, without its times. Throws if it reports an error. */
export function lockstep(...args: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { env, encoding: 'utf8' });
  assert.equal(stderr, '');
  return withoutTimes(stdout);
}

/** Times as `T`, and single spaces. */
export function withoutTimes(text: string): string {
  return text.replaceAll(/\b\d+\.\d s\b|\b\d+ m \d\d s\b/g, 'T').replaceAll(/ {2,}/g, ' ');
}
