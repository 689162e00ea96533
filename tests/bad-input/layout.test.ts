/** Memory laid out by another version, seen while that version's programs are inside. */

import assert from 'node:assert/strict';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { namespaceFolder } from '../support/places.ts';
import { Program, run } from '../support/programs.ts';
import { sandbox } from '../support/sandbox.ts';
import { HANG_MS, until } from '../support/until.ts';

const MAGIC_BYTE = 0;
const VERSION_BYTE = 4;

/** Writes another word into the file; returns the one that was there. */
function exchange(file: string, at: number, word: number): number {
  const fd = openSync(file, 'r+');
  try {
    const bytes = Buffer.alloc(4);
    readSync(fd, bytes, 0, 4, at);
    const before = bytes.readInt32LE();
    bytes.writeInt32LE(word);
    writeSync(fd, bytes, 0, 4, at);
    return before;
  } finally {
    closeSync(fd);
  }
}

describe('a segment of another layout', { timeout: HANG_MS }, () => {
  const control = join(namespaceFolder(sandbox), 'control');
  let holder: Program;
  beforeEach(async () => {
    holder = new Program('named-lock', { args: ['kept', '', 'hold'] });
    await until(() => holder.stdout !== '', 'a program to hold a named lock');
  });
  afterEach(async () => {
    holder.kill('SIGKILL');
    await holder.ended;
    await run('tries', { args: ['anonymous'] });
  });

  for (const [what, at, word] of [
    ['version 2147483', VERSION_BYTE, 2_147_483],
    ['version 0', VERSION_BYTE, 0],
    ['another magic', MAGIC_BYTE, 0x464c457f],
  ] as const) {
    it(`(${what}) is refused by name and by version, and those inside go on`, async () => {
      const before = exchange(control, at, word);
      assert.notEqual(before, word);
      const { stdout, stderr } = await run('tries', { args: ['named'] });
      const outcome = JSON.parse(stdout) as { name: string; code: string; message: string };
      assert.equal(stderr, '');
      assert.equal(outcome.code, 'ERR_LOCKSTEP_LAYOUT', JSON.stringify(outcome));
      assert.equal(outcome.name, 'LayoutError');
      assert.ok(outcome.message.includes(control));
      if (at === VERSION_BYTE) assert.ok(outcome.message.includes(String(word)));
      assert.equal(exchange(control, at, before), word, 'the refused segment was written to');
      assert.equal((await run('named-lock', { args: ['kept', '', 'look'] })).stdout, 'true\n');
      assert.equal(holder.child.exitCode, null);
    });
  }

  it('does not stop a program that uses another namespace', async () => {
    const before = exchange(control, VERSION_BYTE, 99);
    const { stdout, stderr } = await run('tries', { args: ['anonymous'] });
    assert.deepEqual([stdout, stderr], ['{"done":false}\n', '']);
    exchange(control, VERSION_BYTE, before);
  });
});
