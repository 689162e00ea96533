/** A Lockstep of another layout version: this one, copied, with another number in it. */

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NUMBER = /(LAYOUT_VERSION = )(\d+)/;

/** A package of its own, in which the programs of tests/programs use the other version. */
export class OtherVersion {
  readonly version: number;
  readonly ours: number;
  private readonly root: string = mkdtempSync(join(tmpdir(), 'lockstep-other-version-'));

  constructor() {
    const description = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    description.exports = './build/src/index.js';
    writeFileSync(join(this.root, 'package.json'), JSON.stringify(description));
    cpSync(join(ROOT, 'build/src'), join(this.root, 'build/src'), { recursive: true });
    for (const folder of ['programs', 'support']) {
      cpSync(join(ROOT, 'build/tests', folder), join(this.root, 'build/tests', folder), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(this.root, 'node_modules'));
    const layout = join(this.root, 'build/src/memory/layout.js');
    const source = readFileSync(layout, 'utf8');
    this.ours = Number(NUMBER.exec(source)?.[2]);
    this.version = this.ours + 1;
    assert.ok(this.version > 1, 'no layout version is found in the source');
    writeFileSync(layout, source.replace(NUMBER, `$1${this.version}`));
  }

  /** The folder of its programs, as `Program` takes it. */
  get programs(): URL {
    return new URL(`file://${this.root}/build/tests/programs/`);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
