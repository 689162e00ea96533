/** Pools: buffers and ports move to threads and back; to processes they can't. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import {
  Event,
  InvalidTypeError,
  Lock,
  NotSendableError,
  Queue,
  RawArray,
  TaskTimeoutError,
  transfer,
  WorkerDiedError,
} from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import type { PoolStage } from '../support/pools.ts';
import { poolSuite, rejection } from '../support/pools.ts';

const BYTES = 4 * 1024 * 1024;

poolSuite('transfer', (stage: PoolStage) => {
  stage.it('a marked result is there; the refusal of other processes says what to do', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const result = await pool.apply(targets.addToBytes, [new ArrayBuffer(BYTES), 3]);
      assert.equal(new Uint8Array(result).at(-1), 3);
      assert.equal(await pool.apply(targets.bytesKept), stage.isProcess ? BYTES : 0);
      assert.throws(() => transfer(5 as unknown as object), InvalidTypeError);
      assert.throws(() => transfer({}), /pass a list of buffers and ports/);
      const buffer = new ArrayBuffer(8);
      const call = pool.apply(targets.addToBytes, [buffer, 1], { transfer: [buffer] });
      if (stage.isProcess) assert.match((await rejection(call)).message, /share it as a SharedArray/);
      else assert.equal((await call).byteLength, 8);
      assert.equal(buffer.byteLength, stage.isProcess ? 8 : 0);
    }),
  );

  if (stage.isProcess) return;

  for (const processes of [1, 0]) {
    const where = processes === 0 ? ', in this thread' : '';

    stage.it(`buffers, views and ports move there and back, beside shared objects${where}`, () =>
      stage.withPool({ processes, concurrency: 2 }, async (pool) => {
        let buffer = new ArrayBuffer(BYTES);
        for (let n = 0; n < 3; n++) {
          const call = pool.apply(targets.addToBytes, [buffer, n], { transfer: [buffer] });
          assert.equal(buffer.byteLength, 0, 'it is gone from the call on');
          buffer = await call;
        }
        assert.deepEqual([buffer.byteLength, new Uint8Array(buffer)[5]], [BYTES, 3]);
        assert.equal(await pool.apply(targets.bytesKept), 0);
        const lock = new Lock();
        const views = Array.from({ length: 20 }, (_, n) => new Uint8Array([n]));
        const moved = await Promise.all(
          views.map((bytes) => pool.apply(targets.addInLock, [bytes, lock], { transfer: [bytes.buffer] })),
        );
        assert.deepEqual(
          moved.map(({ bytes }) => bytes[0]),
          views.map((_, n) => n + 1),
        );
        assert.deepEqual([...new Set(views.map(({ length }) => length))], [0]);
        lock.close();
        const { port1, port2 } = new MessageChannel();
        const answered = once(port1, 'message');
        await pool.apply(targets.answerPort, [port2, 'hello'], { transfer: [port2] });
        assert.deepEqual(await answered, ['hello']);
        port1.close();
        const given: number[] = [];
        const three = new Uint8Array([1, 2, 3]).buffer;
        for await (const n of pool.stream(targets.eachByte, [three], { transfer: [three] })) given.push(n);
        assert.deepEqual(given, [1, 2, 3]);
        const last = new ArrayBuffer(8);
        const sync = pool.applySync(targets.addToBytes, [last, 1], { transfer: [last] });
        assert.deepEqual([last.byteLength, sync.byteLength], [0, 8]);
      }),
    );

    stage.it(`what can't move is refused, there and here${where}`, () =>
      stage.withPool({ processes }, async (pool) => {
        const buffer = new ArrayBuffer(8);
        for (const list of [[5], [buffer, buffer]] as ArrayBuffer[][]) {
          const error = await rejection(pool.apply(targets.addToBytes, [buffer, 1], { transfer: list }));
          assert.ok(error instanceof NotSendableError);
          assert.match(error.message, /addToBytes: can't be transferred \(/);
        }
        assert.equal(buffer.byteLength, 8);
        const error = await rejection(pool.apply(targets.moveWrongly));
        assert.ok(error instanceof NotSendableError);
        const bad = { transfer: 5 as unknown as ArrayBuffer[] };
        assert.ok(
          (await rejection(pool.apply(targets.addToBytes, [buffer, 1], bad))) instanceof InvalidTypeError,
        );
      }),
    );
  }

  stage.it('a task that is withdrawn or lost takes its buffer along, and is not run again', () =>
    stage.withPool({ processes: 1, retries: 3 }, async (pool) => {
      using began = new Queue<number>();
      using go = new Event();
      using counts = new RawArray('i32', 1);
      const busy = pool.apply(targets.runUntil, [began, go]);
      await began.get();
      const waiting = new ArrayBuffer(8);
      const options = { transfer: [waiting], queueTimeout: 5 };
      const late = await rejection(pool.apply(targets.addToBytes, [waiting, 1], options));
      assert.ok(late instanceof TaskTimeoutError);
      assert.equal(waiting.byteLength, 0);
      go.set();
      await busy;
      const lost = new ArrayBuffer(8);
      const died = await rejection(pool.apply(targets.exitWith, [lost, counts], { transfer: [lost] }));
      assert.ok(died instanceof WorkerDiedError);
      assert.deepEqual([lost.byteLength, counts.at(0)], [0, 1]);
      assert.equal((await pool.apply(targets.addToBytes, [new ArrayBuffer(8), 1])).byteLength, 8);
    }),
  );
});
