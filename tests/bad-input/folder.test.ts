/** Folders that are missing, or not safe to use. */

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { namespaceFolder, place, removePlace } from '../support/places.ts';
import { run } from '../support/programs.ts';
import { listing, sandbox } from '../support/sandbox.ts';
import { HANG_MS } from '../support/until.ts';

const NOBODY = 65_534;
const notRoot = process.geteuid?.() === 0 ? false : 'giving files to another user takes root';

interface Outcome {
  done?: unknown;
  name?: string;
  code?: string;
  message?: string;
}

let base = '';

async function tries(attempt: string, env: Record<string, string> = {}, name = 'tried'): Promise<Outcome> {
  const ending = await run('tries', { args: [attempt, name], env: { LOCKSTEP_DIR: base, ...env } });
  assert.equal(ending.signal, null);
  assert.equal(ending.stderr, '');
  return JSON.parse(ending.stdout) as Outcome;
}

async function assertRefused(attempts: string[], why: RegExp): Promise<void> {
  for (const attempt of attempts) {
    const outcome = await tries(attempt);
    assert.equal(outcome.code, 'ERR_LOCKSTEP_FOLDER', JSON.stringify(outcome));
    assert.equal(outcome.name, 'FolderError');
    assert.match(outcome.message ?? '', why);
  }
}

describe('the folder for shared memory', { timeout: HANG_MS }, () => {
  beforeEach(() => {
    base = place();
  });
  afterEach(() => removePlace(base));

  it('is refused when it is missing, and not made', async () => {
    const folder = base;
    base = join(folder, 'missing');
    await assertRefused(['anonymous', 'named', 'awaiting'], /missing/);
    assert.equal(existsSync(base), false);
    removePlace(folder);
  });

  it('is refused when it is a file', async () => {
    const file = join(base, 'file');
    writeFileSync(file, 'content');
    const folder = base;
    base = file;
    await assertRefused(['anonymous', 'named'], /file/);
    assert.equal(readFileSync(file, 'utf8'), 'content');
    removePlace(folder);
  });

  it('is refused when this user may not write to it', { skip: notRoot }, async () => {
    chmodSync(sandbox, 0o711);
    chmodSync(base, 0o755);
    const outcome = await tries('as-nobody');
    assert.equal(outcome.code, 'ERR_LOCKSTEP_FOLDER', JSON.stringify(outcome));
    assert.match(outcome.message ?? '', /EACCES/);
    assert.deepEqual(listing(base), []);
  });
});

describe("a namespace's folder", { timeout: HANG_MS }, () => {
  let folder = '';
  beforeEach(() => {
    base = place();
    folder = namespaceFolder(base);
  });
  afterEach(() => removePlace(base));

  for (const mode of [0o755, 0o770, 0o701, 0o777]) {
    it(`is refused when others may enter it (${mode.toString(8)})`, async () => {
      mkdirSync(folder);
      chmodSync(folder, mode);
      await assertRefused(['named'], new RegExp(mode.toString(8)));
      assert.deepEqual(listing(folder), []);
      assert.equal(statSync(folder).mode & 0o777, mode);
    });
  }

  it('is refused when it was swapped for one that others may enter, right after the look at it', async () => {
    const outcome = await tries('swapped', {}, folder);
    assert.equal(outcome.code, 'ERR_LOCKSTEP_FOLDER', JSON.stringify(outcome));
    assert.match(outcome.message ?? '', /777/);
    assert.deepEqual(listing(folder), []);
  });

  it('is refused when it belongs to another user', { skip: notRoot }, async () => {
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, NOBODY, NOBODY);
    await assertRefused(['named'], /belongs to user 65534/);
    assert.deepEqual(listing(folder), []);
  });

  it('is refused when it is a symbolic link, even to a good folder, and nothing is written there', async () => {
    const target = join(base, 'target');
    mkdirSync(target, { mode: 0o700 });
    symlinkSync(target, folder);
    await assertRefused(['named', 'awaiting'], /symbolic link/);
    assert.deepEqual(listing(target), []);
  });

  it('is refused when it is a symbolic link to nothing', async () => {
    symlinkSync(join(base, 'nothing'), folder);
    await assertRefused(['named'], /symbolic link/);
    assert.equal(existsSync(join(base, 'nothing')), false);
  });

  it('is refused when it is a file', async () => {
    writeFileSync(folder, 'content');
    await assertRefused(['named'], /not a folder/);
    assert.equal(readFileSync(folder, 'utf8'), 'content');
  });

  it('does not keep the program from using another namespace, and is left alone', async () => {
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'kept'), 'content');
    const victim = join(base, 'victim');
    mkdirSync(victim, { mode: 0o700 });
    writeFileSync(join(victim, 'kept'), 'content');
    symlinkSync(victim, join(base, `lockstep-${process.geteuid?.()}~0123456789abcdef`));
    assert.deepEqual(await tries('anonymous'), { done: false });
    assert.equal(readFileSync(join(folder, 'kept'), 'utf8'), 'content');
    assert.equal(readFileSync(join(victim, 'kept'), 'utf8'), 'content');
  });

  it('of another user is not swept, nor is one of another program', { skip: notRoot }, async () => {
    const foreign = join(base, 'lockstep-65534~0123456789abcdef');
    mkdirSync(foreign, { mode: 0o700 });
    chownSync(foreign, NOBODY, NOBODY);
    const planted = join(base, 'lockstep-0~0123456789abcdef');
    mkdirSync(planted, { mode: 0o700 });
    chownSync(planted, NOBODY, NOBODY);
    mkdirSync(join(base, 'other'), { mode: 0o700 });
    assert.deepEqual(await tries('anonymous'), { done: false });
    assert.deepEqual(listing(base).sort(), [
      'lockstep-0~0123456789abcdef',
      'lockstep-65534~0123456789abcdef',
      'other',
    ]);
  });

  for (const [what, plant] of Object.entries({
    'a symbolic link': (control: string) => symlinkSync(join(base, 'elsewhere'), control),
    'a folder': (control: string) => mkdirSync(control),
    'an empty file': (control: string) => writeFileSync(control, ''),
    'a short file of something else': (control: string) => writeFileSync(control, 'not of Lockstep'),
    'a long file of something else': (control: string) => writeFileSync(control, Buffer.alloc(1 << 20, 'x')),
  })) {
    it(`in which the control file is ${what} is swept or refused, but never used`, async () => {
      writeFileSync(join(base, 'elsewhere'), Buffer.alloc(1 << 20));
      mkdirSync(folder, { mode: 0o700 });
      plant(join(folder, 'control'));
      const outcome = await tries('named');
      if (outcome.code !== undefined)
        assert.match(outcome.code, /^ERR_LOCKSTEP_(LAYOUT|FOLDER)$/, outcome.message);
      else assert.deepEqual(outcome, { done: false });
      assert.ok(readFileSync(join(base, 'elsewhere')).equals(Buffer.alloc(1 << 20)));
    });
  }
});
