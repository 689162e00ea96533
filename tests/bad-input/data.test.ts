/** Files of data that another program cut, removed, replaced or wrote into. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmdirSync, symlinkSync, truncateSync, unlinkSync } from 'node:fs';
import { afterEach, describe, it } from 'node:test';
import { Lock, ShareableList, SharedArray, SharedMemory, struct } from 'lockstep';
import { Program, run } from '../support/programs.ts';
import { HANG_MS, until } from '../support/until.ts';
import { fileOf, overwrite } from './data-files.ts';

const LAYOUT = { name: 'LayoutError', code: 'ERR_LOCKSTEP_LAYOUT' };
const Point = struct({ x: 'f64', y: 'f64' });

const made: { close(): void }[] = [];

function keep<Made extends { close(): void }>(object: Made): Made {
  made.push(object);
  return object;
}

/** The outcome of opening the handle in a separate program. */
async function opened(handle: string): Promise<{ code?: string; shown?: string }> {
  const { stdout, stderr, signal } = await run('opens', { args: [handle] });
  assert.deepEqual([stderr, signal], ['', null]);
  return JSON.parse(stdout) as { code?: string; shown?: string };
}

describe('a file of data', { timeout: HANG_MS }, () => {
  afterEach(() => {
    for (const object of made.splice(0).reverse()) object.close();
  });

  const objects: Record<string, () => { handle: string; close(): void }> = {
    SharedArray: () => new SharedArray('f64', 2000),
    SharedMemory: () => new SharedMemory({ create: true, size: 9000 }),
    ShareableList: () => new ShareableList(['x'.repeat(9000)]),
    Record: () => new (struct({ text: 'char[9000]' }))(),
    RecordArray: () => Point.array(1000),
  };
  for (const [kind, make] of Object.entries(objects)) {
    it(`of a ${kind} that was cut, removed or replaced is refused`, async () => {
      const object = keep(make());
      const file = fileOf(object);
      assert.equal((await opened(object.handle)).code, undefined);
      renameSync(file, `${file}.kept`);
      assert.equal((await opened(object.handle)).code, LAYOUT.code, 'removed');
      symlinkSync(`${file}.kept`, file);
      assert.equal((await opened(object.handle)).code, LAYOUT.code, 'a link');
      unlinkSync(file);
      mkdirSync(file);
      assert.equal((await opened(object.handle)).code, LAYOUT.code, 'a folder');
      rmdirSync(file);
      renameSync(`${file}.kept`, file);
      truncateSync(file, 8000);
      assert.equal((await opened(object.handle)).code, LAYOUT.code, 'cut');
    });
  }

  it('of a ShareableList with slots outside, or items of no type, gives errors and reads nothing else', async () => {
    const list = keep(new ShareableList(['one', 2, 'three', 4n]));
    const file = fileOf(list);
    const PAIR = 8;
    for (const [item, ...words] of [
      [0, 0xffffffff, 0x40000003],
      [0, 0, 0x40000003],
      [1, 4, 0x70000008],
      [2, 6, 0x4fffffff],
      [2, 1, 0x40000005],
      [3, 0x10000000, 0x30000008],
    ] as const) {
      overwrite(file, item * PAIR, ...words);
      assert.throws(() => list.at(item), LAYOUT, `item ${item}: ${words}`);
    }
    assert.throws(() => list.toArray(), LAYOUT);
    assert.throws(() => list.set(3, 5), LAYOUT);
  });

  it('of a cell that says other things than it should is refused', async () => {
    const array = keep(new SharedArray('u8', 10, { lock: false }));
    const words = cellWords(array);
    const [type, count] = [10, 14];
    const before = [words.at(type), words.at(count)];
    for (const [word, value] of [
      [type, 77],
      [type, -1],
      [count, 11],
      [count, -1],
      [count + 1, 1],
      [count + 1, -1],
    ] as const) {
      const kept = words.at(word);
      words.set(word, value);
      assert.equal((await opened(array.handle)).code, LAYOUT.code, `word ${word} = ${value}`);
      words.set(word, kept);
    }
    assert.deepEqual([words.at(type), words.at(count)], before);
    assert.equal((await opened(array.handle)).code, undefined);
  });

  it('is refused to a second program only; a thread that has it open goes on', async () => {
    const array = keep(new SharedArray('i32', [1, 2, 3], { name: 'damaged' }));
    unlinkSync(fileOf(array));
    assert.equal((await opened(array.handle)).code, LAYOUT.code);
    array.set(0, 5);
    assert.deepEqual([...array], [5, 2, 3]);
    const lock = keep(new Lock());
    lock.runSync(() => {});
  });

  it('is not left behind by a program that is killed', async () => {
    const program = new Program('attaches', { args: ['of-the-killed', 'create', 'killed'] });
    await until(() => program.stdout !== '', 'a block to be made');
    program.kill('SIGKILL');
    await program.ended;
    // The next program that starts sweeps its namespace.
    const { stdout } = await run('attaches', { args: ['of-the-killed', 'close', 'killed'] });
    assert.match(stdout, /ERR_LOCKSTEP_NOT_FOUND/);
  });
});

/** The words of an object's cell. */
function cellWords(object: object): { at(word: number): number; set(word: number, value: number): void } {
  const { words, at } = Reflect.get(object, 'cell') as { words: Int32Array; at: number };
  return {
    at: (word) => words[at + word] as number,
    set: (word, value) => {
      words[at + word] = value;
    },
  };
}
