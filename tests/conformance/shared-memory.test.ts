/**
 * The contract of SharedMemory, case by case (part P of the behaviours). P192 is left out, because
 * there is no manager. The end of a namespace does here what a manager's shutdown does to its
 * blocks (P186).
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { SharedMemory } from 'lockstep';
import { namespaceFolder } from '../support/places.ts';
import { Program, run } from '../support/programs.ts';
import { sandbox } from '../support/sandbox.ts';
import { suite } from '../support/stage.ts';
import { until } from '../support/until.ts';

const OUT_OF_RANGE = { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' };
const INVALID_TYPE = { code: 'ERR_LOCKSTEP_INVALID_TYPE' };
const NOT_FOUND = { name: 'NotFoundError', code: 'ERR_LOCKSTEP_NOT_FOUND' };
const TAKEN = { code: 'ERR_LOCKSTEP_NAME_TAKEN' };
const CLOSED = { code: 'ERR_LOCKSTEP_CLOSED' };

const bytesOf = (block: SharedMemory): Uint8Array => new Uint8Array(block.buffer);

suite('SharedMemory', (stage) => {
  stage.it('is made or attached, whichever comes first, by one call with a name and a size', async () => {
    const [actor] = await stage.actors(1);
    const block = stage.share(new SharedMemory({ name: 'either', size: 3 }));
    bytesOf(block)[1] = 7;
    const again = new SharedMemory({ name: 'either', size: 3 });
    assert.equal(bytesOf(again)[1], 7);
    again.close();
    await actor.do('useBlock', { name: 'either', size: 3 });
    for (const wrong of [{ size: 4 }, { create: false, size: 2 }])
      assert.throws(() => new SharedMemory({ name: 'either', ...wrong }), INVALID_TYPE);
    assert.throws(() => new SharedMemory({ name: 'neither', create: false, size: 3 }), NOT_FOUND);
    assert.throws(() => new SharedMemory({ name: 'either', create: true, size: 3 }), TAKEN);
    block.unlink();
    assert.throws(() => new SharedMemory({ name: 'either' }), NOT_FOUND);
  });

  stage.it(
    'P178: without a size, with size 0 or a negative one it is not made; attaching takes a name that exists',
    async () => {
      for (const size of [0, -1, 1.5, Number.NaN, 2 ** 53])
        assert.throws(() => new SharedMemory({ create: true, size }), OUT_OF_RANGE);
      for (const size of [undefined, null, '5', 5n])
        assert.throws(() => new SharedMemory({ create: true, size: size as never }), INVALID_TYPE);
      for (const options of [{}, { size: 5 }, { create: false, size: 5 }])
        assert.throws(() => new SharedMemory(options), INVALID_TYPE);
      const [actor] = await stage.actors(1);
      await assert.rejects(actor.do('useBlock', { name: 'unknown' }), NOT_FOUND);
      assert.throws(() => new SharedMemory({ name: 'unknown' }), NOT_FOUND);
    },
  );

  stage.it(
    'P180: a new block is zero and as large as asked; writes are seen by all, also through an argument',
    async () => {
      const [one, two] = await stage.actors(2);
      const block = stage.share(new SharedMemory({ create: true, size: 5 }));
      assert.equal(block.size, 5);
      assert.deepEqual([...bytesOf(block)], [0, 0, 0, 0, 0]);
      await one.do('useBlock', { name: block.name }, { at: 0, byte: 11 });
      await two.do('writeByte', block, 4, 44);
      bytesOf(block)[2] = 22;
      for (const actor of [one, two])
        assert.deepEqual(await actor.do('readBytes', block), [11, 0, 22, 0, 44]);
      const large = stage.share(new SharedMemory({ create: true, size: 3_000_001 }));
      assert.equal(large.buffer.byteLength, 3_000_001);
      assert.ok(bytesOf(large).every((byte) => byte === 0));
    },
  );

  stage.it('P181: close is idempotent, ends this object only, and leaves the block to others', async () => {
    const [actor] = await stage.actors(1);
    const block = stage.share(new SharedMemory({ create: true, size: 3 }));
    const other = new SharedMemory({ name: block.name });
    const view = bytesOf(other);
    other.close();
    other.close();
    assert.throws(() => other.buffer, CLOSED);
    assert.throws(() => other.size, CLOSED);
    assert.throws(() => other.handle, CLOSED);
    view[1] = 7;
    assert.deepEqual(await actor.do('readBytes', block), [0, 7, 0]);
  });

  stage.it('P183, P184: unlink works after close, leaves mappings valid, and only once', async () => {
    const [one, two] = await stage.actors(2);
    const block = stage.share(new SharedMemory({ create: true, name: 'linked', size: 2 }));
    assert.throws(() => new SharedMemory({ create: true, name: 'linked', size: 2 }), TAKEN);
    await one.do('writeByte', block, 0, 5);
    block.close();
    block.unlink();
    assert.throws(() => block.unlink(), NOT_FOUND);
    assert.throws(() => new SharedMemory({ name: 'linked' }), NOT_FOUND);
    // The actor has it open still.
    const { handle } = stage.share(new SharedMemory({ create: true, name: 'linked', size: 2 }));
    assert.throws(() => block.unlink(), NOT_FOUND, 'another block of the same name');
    const again = stage.share(SharedMemory.open(handle));
    assert.deepEqual([...bytesOf(again)], [0, 0]);
    await two.do('unlink', again);
    assert.throws(() => again.unlink(), NOT_FOUND);
    bytesOf(again)[1] = 9;
    assert.deepEqual(await two.do('readBytes', again), [0, 9]);
  });

  stage.it(
    'P184: a block without a name of its own goes with the last who has it open, and may be unlinked once',
    async () => {
      const [actor] = await stage.actors(1);
      const block = new SharedMemory({ create: true, size: 1 });
      const { name } = block;
      assert.deepEqual(await actor.do('useBlock', { name }), [0]);
      block.close();
      await assert.rejects(actor.do('useBlock', { name }), NOT_FOUND);
      block.unlink();
      assert.throws(() => block.unlink(), NOT_FOUND);
    },
  );

  stage.it(
    'P186: when its creator is killed, a named block stays with the others; one that only it had open goes',
    async () => {
      const [creator, other] = await stage.actors(2);
      await creator.do('keepBlock', { create: true, name: 'of-the-dead', size: 4 });
      const unnamed = await creator.do('keepBlock', { create: true, size: 4 });
      const mine = stage.share(new SharedMemory({ name: 'of-the-dead' }));
      bytesOf(mine)[0] = 3;
      await creator.kill();
      assert.deepEqual(await other.do('useBlock', { name: 'of-the-dead' }), [3, 0, 0, 0]);
      await until(() => {
        try {
          new SharedMemory({ name: unnamed }).close();
          return false;
        } catch {
          return true;
        }
      }, 'the block that nobody has open to go');
      mine.unlink();
    },
  );

  stage.it(
    'P187: a program that attaches and exits, closing or not, does not destroy it; nor does its creator by exiting',
    async () => {
      const creator = new Program('attaches', { args: ['lasting', 'create'] });
      await until(() => creator.stdout !== '', 'a program to make the block');
      for (const how of ['close', 'exit', 'die']) {
        const { stdout } = await run('attaches', { args: ['lasting', how] });
        assert.equal(stdout, 'attached 8 bytes, the first is 1\n');
      }
      const block = stage.share(new SharedMemory({ name: 'lasting' }));
      block.close();
      creator.kill('SIGTERM');
      await creator.ended;
      assert.equal(
        (await run('attaches', { args: ['lasting', 'exit'] })).stdout,
        'attached 8 bytes, the first is 1\n',
      );
      block.unlink();
      assert.match((await run('attaches', { args: ['lasting', 'exit'] })).stdout, /ERR_LOCKSTEP_NOT_FOUND/);
    },
  );

  stage.it('P186: all blocks of a namespace go with it', async () => {
    const { stdout } = await run('attaches', { args: ['passing', 'make', 'passing-by'] });
    assert.equal(stdout, 'attached 8 bytes, the first is 1\n');
    assert.equal(existsSync(namespaceFolder(sandbox, 'passing-by')), false);
  });

  stage.it('tells its name and its size', async () => {
    const block = stage.share(new SharedMemory({ create: true, name: 'a-block', size: 1 }));
    assert.equal(block.describe().size, 1);
    assert.equal(String(block), '<SharedMemory "a-block" 1 bytes>');
    block.unlink();
  });
});
