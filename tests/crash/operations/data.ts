/**
 * Objects with data: made, opened, named, closed, unlinked. Whichever process dies in between, no
 * file of data is left behind, and none is missing that a process needs.
 */

import assert from 'node:assert/strict';
import { SharedArray, SharedMemory } from 'lockstep';
import { NAMESPACE, operation, type Suite } from '../operation.ts';

const BLOCK = { create: true, name: 'block', namespace: NAMESPACE, size: 10 };

const constructors: [name: string, ...args: unknown[]][] = [
  ['SharedArray', 'i32', [1, 2, 3]],
  ['RawArray', 'u8', 1000],
  ['ShareableList', ['text', 5]],
  ['Sample', { x: 1 }],
];

export const data: Suite = [
  ...constructors.map(([name, ...args]) =>
    operation(`new ${name}(${args[0]})`, 8, async (scene) => {
      await scene.victim.order('new', 'Event'); // So that it has joined.
      const death = await scene.crashIn('new', name, ...args);
      assert.equal(death.error, undefined);
      // The cells that the victim touched are used again.
      const arrays = Array.from({ length: 5 }, () => new SharedArray('u8', 5));
      for (const array of arrays) {
        assert.deepEqual([...array], [0, 0, 0, 0, 0]);
        array.lock.close();
        array.close();
      }
    }),
  ),
  operation('close() of a SharedArray, as the last', 6, async (scene) => {
    const array = new SharedArray('i32', 5, { lock: false });
    await scene.victim.order('open', array.handle);
    array.close();
    const death = await scene.crashIn('closeKept');
    assert.equal(death.error, undefined);
  }),
  operation('close() of a SharedArray, others have it open', 2, async (scene) => {
    const array = scene.share(new SharedArray('i32', [1, 2, 3], { lock: false }));
    await scene.crash(array, 'close');
    assert.deepEqual([...array], [1, 2, 3]);
    await scene.newcomer.order('open', array.handle);
  }),
  operation('open(handle) of a SharedArray', 4, async (scene) => {
    const array = scene.share(new SharedArray('i32', [1, 2, 3], { lock: false }));
    await scene.victim.order('new', 'Event');
    const death = await scene.crashIn('open', array.handle);
    assert.equal(death.error, undefined);
    assert.deepEqual([...array], [1, 2, 3]);
  }),
  operation('new SharedMemory({ create, name })', 8, async (scene) => {
    await scene.victim.order('new', 'Event', { namespace: NAMESPACE });
    const death = await scene.crashIn('new', 'SharedMemory', BLOCK);
    assert.equal(death.error, undefined);
    // It is there whole, or not at all.
    const block = attach() ?? new SharedMemory(BLOCK);
    assert.equal(block.size, 10);
    assert.ok(new Uint8Array(block.buffer).every((byte) => byte === 0));
    block.unlink();
    assert.equal(attach(), undefined);
    block.close();
  }),
  ...['open', 'closed'].map((how) =>
    operation(`SharedMemory.unlink(), ${how}`, 4, async (scene) => {
      const block = new SharedMemory(BLOCK);
      await scene.victim.order('open', block.handle);
      if (how === 'open') scene.share(block);
      else block.close();
      await scene.crashIn('unlinkKept');
      const found = attach();
      // It died before the name was gone.
      found?.unlink();
      found?.close();
      assert.equal(attach(), undefined);
      const next = new SharedMemory(BLOCK);
      next.unlink();
      next.close();
    }),
  ),
];

function attach(): SharedMemory | undefined {
  try {
    return new SharedMemory({ name: BLOCK.name, namespace: NAMESPACE });
  } catch (error) {
    assert.equal(Reflect.get(error as Error, 'code'), 'ERR_LOCKSTEP_NOT_FOUND');
    return undefined;
  }
}
