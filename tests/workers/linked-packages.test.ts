/**
 * Packages that are linked into `node_modules`, as pnpm and `npm link` do: whatever the library has
 * looked at, Node's module loader goes on to follow the links. If it did not, a package would be
 * loaded twice, each with a state of its own. See src/platform/file-stats.ts.
 */

import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { Event, Pool, Process, Queue } from 'lockstep';
import { load } from '../support/internals.ts';
import { sandbox } from '../support/sandbox.ts';
import { setsLater, whereIs } from './targets.ts';

const { Directory }: typeof import('../../src/platform/directory.ts') = await load('platform/directory.js');

const MODULES = 32;
const folder = realpathSync(mkdtempSync(`${tmpdir()}/lockstep-linked-`));
mkdirSync(`${folder}/real`);
mkdirSync(`${folder}/node_modules`);
symlinkSync('../real', `${folder}/node_modules/linked`);
for (let n = 0; n < MODULES; n++) writeFileSync(`${folder}/real/${n}.js`, '');
after(() => rmSync(folder, { recursive: true }));

const { resolve } = createRequire(`${folder}/program.js`);
let next = 0;

/** Resolves a module that was not resolved before, behind a folder that was. */
function check(after: string): void {
  const n = next++;
  assert.equal(resolve(`linked/${n}.js`), `${folder}/real/${n}.js`, `after ${after}`);
}

test('the loader follows links after the library has looked at FIFOs', async () => {
  check('nothing');
  check('nothing');
  const directory = Directory.open(sandbox)!;
  const fd = directory.openOwnFifo('a-fifo', constants.O_RDWR);
  check('a FIFO was opened');
  directory.stat('a-fifo');
  check('a FIFO was looked at');
  closeSync(fd);
  directory.remove('a-fifo');
  directory.close();
});

test('the loader follows links after waits, starts and messages', async () => {
  using event = new Event();
  const child = new Process({ target: setsLater, args: [event] });
  child.start();
  await event.wait();
  check('a wait');
  await child.join();
  check('the end of a child');
  using queue = new Queue();
  setImmediate(() => queue.putSync(1));
  await queue.get();
  check('a message');
});

test('the loader of each worker of a pool follows links', async () => {
  for (let round = 0; round < 4; round++) {
    await using pool = new Pool(1);
    for (let n = 0; n < 2; n++)
      assert.equal(await pool.apply(whereIs, [folder, `linked/${n}.js`]), `${folder}/real/${n}.js`);
  }
});
