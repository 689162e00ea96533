/**
 * How long the memory of shared data lives, in a program whose garbage is collected again and
 * again.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { Queue, RawArray, ShareableList, SharedArray, SharedMemory, struct } from 'lockstep';
import { run } from '../support/programs.ts';
import { HANG_MS } from '../support/until.ts';

describe('the memory of shared data', { timeout: HANG_MS }, () => {
  it('is mapped once, stays while a view of it is held, and is given back when nothing is', async () => {
    const ending = await run('collects', { nodeArgs: ['--expose-gc'] });
    assert.equal(ending.stderr, '');
    assert.deepEqual(JSON.parse(ending.stdout), {
      twice: 1,
      seen: [7, 2, 3],
      afterClose: [7, 8, 3],
      none: 0,
      partsSeen: [[1, 2, 3, 4], 5, 6],
      three: 3,
      noneAgain: 0,
      whenClosed: [1, 0, 0, 0, 0],
      many: 0,
      left: 1,
    });
  });

  it('is free for others as soon as it is closed; views of it stay readable', () => {
    const Point = struct({ x: 'f64', tags: 'u8[4]' });
    const text = new SharedArray('char', 'text');
    const array = new SharedArray('i32', 3_000_000).fill(7, 2_999_998);
    const { view } = array;
    const items = array[Symbol.iterator]();
    assert.equal(items.next().value, 0);
    const block = new SharedMemory({ create: true, size: 10 });
    const bytes = new Uint8Array(block.buffer);
    bytes[9] = 9;
    block.unlink();
    const points = Point.array(2);
    const point = points.at(1);
    point.tags.set(0, 4);
    const list = new ShareableList(['a', 1n]);
    const listed = list[Symbol.iterator]();
    const queue = new Queue();
    queue.putSync('x'.repeat(100_000));
    const far = new RawArray('u8', 100);
    const all = [text, array, block, points, list, queue, far];
    assert.equal(mappedData(), all.length);
    for (const object of all) object[Symbol.dispose]();
    assert.equal(mappedData(), 0);
    assert.deepEqual([view.length, view[0], view[2_999_999], bytes[9]], [3_000_000, 0, 7, 9]);
    assert.deepEqual([items.next().value, [...items].at(-1)], [0, 7]);
    assert.deepEqual([...point.tags], [4, 0, 0, 0]);
    assert.throws(() => listed.next(), { code: 'ERR_LOCKSTEP_CLOSED' });
    view[1] = 5;
    assert.equal(view[1], 5);
    assert.throws(() => array.at(0), { code: 'ERR_LOCKSTEP_CLOSED' });
  });

  it('is not let go of while another object of this thread has it open, and is new when it is opened once more', () => {
    const array = new SharedArray('u8', [1, 2]);
    const same = SharedArray.open(array.handle);
    const other = new Queue<SharedArray>();
    const { view } = array;
    array.close();
    same.set(0, 8);
    assert.equal(view[0], 8);
    other.putSync(same);
    same.close();
    assert.equal(mappedData(), 1); // The queue's.
    using again = other.getSync() as unknown as SharedArray<'u8'>;
    again.set(1, 9);
    assert.deepEqual(
      [[...view], again.toArray()],
      [
        [8, 2],
        [8, 9],
      ],
    );
    other[Symbol.dispose]();
  });

  it('can not be transferred to a thread: it is copied, or refused by later versions of Node', () => {
    const block = new SharedMemory({ create: true, size: 8 });
    const array = new SharedArray('u8', 8);
    const { port1, port2 } = new MessageChannel();
    for (const buffer of [block.buffer, array.view.buffer]) {
      try {
        port1.postMessage(buffer, [buffer]);
      } catch (error) {
        assert.equal((error as Error).name, 'DataCloneError');
      }
      assert.equal(buffer.byteLength, 8);
    }
    for (const port of [port1, port2]) port.close();
    for (const object of [block, array]) object.close();
  });
});

/** Files of data that this process has mapped, removed ones too. */
function mappedData(): number {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return lines.filter((line) => /\/data-\d/.test(line)).length;
}
