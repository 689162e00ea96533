/** The contract of RWLock, case by case. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { suite } from '../support/stage.ts';
import { PATIENCE_MS, until } from '../support/until.ts';
import { type Word, word } from '../support/words.ts';

const FREE = { recovered: false };

suite('RWLock', (stage) => {
  stage.it('readers are inside together, and keep writers out', async () => {
    const lock = await stage.make.rwlock();
    const [one, two, writer] = await stage.actors(3);
    assert.deepEqual(await one.do('acquireSide', lock, 'read'), FREE);
    assert.deepEqual(await two.do('acquireSide', lock, 'read'), FREE);
    assert.equal(await writer.do('trySide', lock, 'write'), null);
    const { value, milliseconds } = await writer.timed('acquireSide', lock, 'write', { timeout: 50 });
    assert.equal(value, null);
    assert.ok(milliseconds >= 50);
    const { readers, writer: holder, waiting } = await stage.look(lock);
    assert.deepEqual(
      new Set(readers.map((each) => inspect(each))),
      new Set([one, two].map(({ identity }) => inspect(identity))),
    );
    assert.deepEqual([holder, waiting], [null, 0]);
    await one.do('releaseSide', lock, 'read');
    assert.equal(await writer.do('trySide', lock, 'write'), null);
    await two.do('releaseSide', lock, 'read');
    assert.deepEqual(await writer.do('trySide', lock, 'write'), FREE);
  });

  stage.it('a writer is alone', async () => {
    const lock = await stage.make.rwlock();
    const [writer, reader, other] = await stage.actors(3);
    await writer.do('acquireSide', lock, 'write');
    assert.deepEqual((await stage.look(lock)).writer, writer.identity);
    for (const timeout of [0, -1, 20]) {
      assert.equal(await reader.do('acquireSide', lock, 'read', { timeout }), null);
      assert.equal(await other.do('acquireSide', lock, 'write', { timeout }), null);
    }
    const read = reader.do('acquireSide', lock, 'read');
    await stage.untilWaiting(lock, 1);
    await writer.do('releaseSide', lock, 'write');
    assert.deepEqual(await read, FREE);
  });

  stage.it('all readers that wait come in together when the writer has gone', async () => {
    const lock = await stage.make.rwlock();
    const [writer, ...readers] = await stage.actors(4);
    await writer.do('acquireSide', lock, 'write');
    const reads = readers.map((reader) => reader.do('acquireSide', lock, 'read'));
    await stage.untilWaiting(lock, 3);
    await writer.do('releaseSide', lock, 'write');
    assert.deepEqual(await Promise.all(reads), [FREE, FREE, FREE]);
    assert.equal((await stage.look(lock)).readers.length, 3);
  });

  stage.it('a writer that waits keeps new readers out (the default), and they follow it', async () => {
    const lock = await stage.make.rwlock();
    const [reader, writer, late] = await stage.actors(3);
    await reader.do('acquireSide', lock, 'read');
    const write = writer.do('acquireSide', lock, 'write');
    // It is seen waiting a moment before it keeps readers out.
    await until(async () => {
      const hold = await lock.read.acquire({ timeout: 0 });
      await hold?.release();
      return hold === null;
    }, 'the writer to keep readers out');
    assert.equal(await late.do('trySide', lock, 'read'), null);
    const read = late.do('acquireSide', lock, 'read');
    await stage.untilWaiting(lock, 2);
    await reader.do('releaseSide', lock, 'read');
    assert.deepEqual(await write, FREE);
    await writer.do('releaseSide', lock, 'write');
    assert.deepEqual(await read, FREE);
  });

  stage.beyond(
    'prefer',
    "with prefer: 'readers' they come in while others read, and the writer follows the last",
    async () => {
      const lock = await stage.make.rwlock({ prefer: 'readers' });
      const [reader, writer, late] = await stage.actors(3);
      await reader.do('acquireSide', lock, 'read');
      const write = writer.do('acquireSide', lock, 'write');
      await stage.untilWaiting(lock, 1);
      assert.deepEqual(await late.do('acquireSide', lock, 'read'), FREE);
      await reader.do('releaseSide', lock, 'read');
      await late.do('releaseSide', lock, 'read');
      assert.deepEqual(await write, FREE);
      const reads = [reader, late].map((each) => each.do('acquireSide', lock, 'read'));
      await stage.untilWaiting(lock, 2);
      await writer.do('releaseSide', lock, 'write');
      assert.deepEqual(await Promise.all(reads), [FREE, FREE]);
    },
  );

  stage.it('a writer that gives up lets the readers behind it in', async () => {
    const lock = await stage.make.rwlock();
    const [reader, writer, late] = await stage.actors(3);
    await reader.do('acquireSide', lock, 'read');
    const write = writer.do('acquireSide', lock, 'write', { timeout: 100 });
    const hasGivenUp = (): boolean => writer.pending.length === 0;
    await stage.until(lock, ({ waiting }) => waiting === 1 || hasGivenUp(), 'the writer to wait');
    const read = late.do('acquireSide', lock, 'read');
    assert.equal(await write, null);
    assert.deepEqual(await read, FREE);
  });

  stage.it(
    'a flow that reads may read again, also while a writer waits; one that writes may read',
    async () => {
      const lock = await stage.make.rwlock();
      const [one, writer] = await stage.actors(2);
      await one.do('acquireSide', lock, 'read');
      const write = writer.do('acquireSide', lock, 'write');
      await stage.untilWaiting(lock, 1);
      assert.deepEqual(await one.do('acquireSide', lock, 'read'), FREE);
      await one.do('releaseSide', lock, 'read');
      await one.do('releaseSide', lock, 'read');
      await write;
      assert.deepEqual(await writer.do('acquireSide', lock, 'read'), FREE);
      await writer.do('releaseSide', lock, 'write');
      assert.deepEqual(await one.do('acquireSide', lock, 'read'), FREE);
      assert.equal(await one.do('trySide', lock, 'write'), null);
    },
  );

  stage.it('to read and then write is refused with the way out, and so is to write twice', async () => {
    const lock = await stage.make.rwlock({ name: 'config' });
    const [actor] = await stage.actors(1);
    await actor.do('acquireSide', lock, 'read');
    assert.equal(await actor.do('trySide', lock, 'write'), null);
    await assert.rejects(actor.do('acquireSide', lock, 'write'), {
      code: 'ERR_LOCKSTEP_DEADLOCK',
      message:
        /^RWLock "config": refused, this (flow|thread) reads it already .*; release the read hold before/,
    });
    assert.equal(await actor.do('acquireSide', lock, 'write', { timeout: 20, deadlock: 'ignore' }), null);
    await actor.do('releaseSide', lock, 'read');
    await actor.do('acquireSide', lock, 'write');
    await assert.rejects(actor.do('acquireSide', lock, 'write'), { code: 'ERR_LOCKSTEP_DEADLOCK' });
    await actor.do('releaseSide', lock, 'write');
    assert.equal((await stage.look(lock)).writer, null);
  });

  stage.it('a release without a hold is refused; with one it gives the latest back', async () => {
    const lock = await stage.make.rwlock();
    const [actor] = await stage.actors(1);
    for (const side of ['read', 'write'] as const) {
      await assert.rejects(actor.do('releasePlainly', lock, side), { code: 'ERR_LOCKSTEP_NOT_OWNER' });
      await actor.do('acquireSide', lock, side);
      await actor.do('releasePlainly', lock, side);
      const { readers, writer } = await stage.look(lock);
      assert.deepEqual([readers, writer], [[], null]);
      await actor.do('releaseSide', lock, side); // Idempotent: the hold was given back.
    }
  });

  for (const prefer of ['writers', 'readers'] as const) {
    const define = (sentence: string, body: () => Promise<void>): void => {
      if (prefer === 'writers') stage.it(sentence, body);
      else stage.beyond('prefer', sentence, body);
    };
    define(
      `a killed writer's lock is free, and all holders see it until a writer was inside (${prefer})`,
      async () => {
        const lock = await stage.make.rwlock({ prefer });
        const [writer, reader, next] = await stage.actors(3);
        await writer.do('acquireSide', lock, 'write');
        const read = reader.do('acquireSide', lock, 'read');
        await stage.untilWaiting(lock, 1);
        await writer.kill();
        assert.deepEqual(await read, { recovered: true });
        await reader.do('releaseSide', lock, 'read');
        assert.deepEqual(await next.do('acquireSide', lock, 'write'), { recovered: true });
        await next.do('releaseSide', lock, 'write');
        assert.deepEqual(await reader.do('acquireSide', lock, 'read'), FREE);
      },
    );

    define(`a killed reader is out, and no holder sees it (${prefer})`, async () => {
      const lock = await stage.make.rwlock({ prefer });
      const [reader, writer] = await stage.actors(2);
      await reader.do('acquireSide', lock, 'read');
      const write = writer.do('acquireSide', lock, 'write');
      await stage.untilWaiting(lock, 1);
      await reader.kill();
      assert.deepEqual(await write, FREE);
    });

    define(`a writer that is killed while it waits keeps nobody out (${prefer})`, async () => {
      const lock = await stage.make.rwlock({ prefer });
      const [reader, writer, late] = await stage.actors(3);
      await reader.do('acquireSide', lock, 'read');
      void writer.do('acquireSide', lock, 'write');
      await stage.untilWaiting(lock, 1);
      await writer.kill();
      assert.deepEqual(await late.do('acquireSide', lock, 'read', { timeout: PATIENCE_MS }), FREE);
      await late.do('releaseSide', lock, 'read');
      await reader.do('releaseSide', lock, 'read');
      assert.deepEqual(await late.do('acquireSide', lock, 'write'), FREE);
    });

    define(`four that read and write by turns never see a half-written pair (${prefer})`, async () => {
      const lock = await stage.make.rwlock({ prefer });
      const [first, second, readers, writers, most] = Array.from({ length: 5 }, () =>
        stage.share(word()),
      ) as [Word, Word, Word, Word, Word];
      const actors = await stage.actors(4);
      const rounds = stage.rounds(500);
      const told = await Promise.all(
        actors.map((actor) =>
          actor.do('readAndWriteOn', lock, [first, second, readers, writers, most], rounds, 5),
        ),
      );
      assert.deepEqual(
        told,
        actors.map(() => ({ wrong: 0, writes: rounds / 5 })),
      );
      assert.equal(first.value, (4 * rounds) / 5);
    });
  }

  stage.it('a wait that is aborted leaves no trace', async () => {
    const lock = await stage.make.rwlock();
    const [reader, other] = await stage.actors(2);
    await reader.do('acquireSide', lock, 'read');
    const controller = new AbortController();
    const reason = new Error('no more');
    const aborted = assert.rejects(lock.write.acquire({ signal: controller.signal }), reason);
    await stage.untilWaiting(lock, 1);
    controller.abort(reason);
    await aborted;
    assert.deepEqual(await other.do('acquireSide', lock, 'read'), FREE);
  });
});
