/** Pipes and waitAny that are misused. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connection, Pipe, Queue, waitAny, waitAnySync } from 'lockstep';
import { HANG_MS } from '../support/until.ts';

const TYPE = { name: 'TypeError', code: 'ERR_LOCKSTEP_INVALID_TYPE' };
const RANGE = { name: 'RangeError', code: 'ERR_LOCKSTEP_OUT_OF_RANGE' };

const wrong = (value: unknown): never => value as never;

describe('a pipe', { timeout: HANG_MS }, () => {
  it('is refused with options that are none', () => {
    for (const duplex of ['yes', 1, null]) assert.throws(() => Pipe(wrong({ duplex })), TYPE);
  });

  it('refuses to be closed from within send, by a getter of the value', () => {
    const [here, there] = Pipe();
    const value = {
      get inner(): number {
        here.close();
        return 1;
      },
    };
    assert.throws(() => here.sendSync(value), { code: 'ERR_LOCKSTEP_STATE' });
    here.sendSync('after');
    assert.equal(there.recvSync(), 'after');
    here.close();
    there.close();
  });

  it('refuses a message that is too long for the system', () => {
    const [here] = Pipe();
    assert.throws(() => here.sendBytesSync(new Uint8Array(2 ** 31)), { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' });
    here.close();
  });

  it('sends bytes only as bytes', () => {
    const [here, there] = Pipe();
    for (const bytes of ['text', 5, null, [1]]) assert.throws(() => here.sendBytesSync(wrong(bytes)), TYPE);
    here.sendSync('text');
    assert.throws(() => there.recvBytesSync(), TYPE);
    here.close();
    there.close();
  });

  it('receives bytes up to a number of them only, and nothing where that is none', async () => {
    const [here, there] = Pipe();
    here.sendBytesSync(new Uint8Array(3));
    for (const most of [{ timeout: 5 }, '5', null]) {
      assert.throws(() => there.recvBytesSync(wrong(most)), TYPE);
      await assert.rejects(there.recvBytes(wrong(most)), TYPE);
    }
    for (const most of [-1, 1.5, Number.NaN]) {
      assert.throws(() => there.recvBytesSync(most), RANGE);
      await assert.rejects(there.recvBytes(most), RANGE);
    }
    assert.equal(there.recvBytesSync(3).length, 3);
    here.close();
    there.close();
  });

  it('is refused with options that are none', () => {
    for (const options of [false, 1, 'x', null]) assert.throws(() => Pipe(wrong(options)), TYPE);
  });

  it('has ends whose handles open ends only', () => {
    const [here, there] = Pipe();
    assert.throws(() => Connection.open(new Queue().handle), { code: 'ERR_LOCKSTEP_HANDLE' });
    const { handle } = there;
    here.close();
    there.close();
    assert.throws(() => Connection.open(handle), { code: /ERR_LOCKSTEP_(STALE_)?HANDLE/ });
  });

  it('leaves nobody waiting where there is no room to note all that waitAny waits for', async () => {
    const pipes = Array.from({ length: 3 }, () => Pipe());
    const ends = pipes.map(([here]) => here);
    const { table } = (Reflect.get(ends[0]!, 'cell') as { agent: { table: { fill(): void } } }).agent;
    const { fill } = table;
    let left = 2;
    table.fill = (...args) => {
      if (left-- === 0) throw new RangeError('no room');
      return Reflect.apply(fill, table, args);
    };
    assert.throws(() => waitAnySync(ends), { message: 'no room' });
    Reflect.deleteProperty(table, 'fill');
    assert.deepEqual(
      ends.map((end) => end.describe().waiting),
      [0, 0, 0],
    );
    const waits = ends.map((end) => end.recv());
    assert.deepEqual(
      ends.map((end) => end.describe().waiting),
      [1, 1, 1],
    );
    for (const [, there] of pipes) there.sendSync('x');
    assert.deepEqual(await Promise.all(waits), ['x', 'x', 'x']);
    for (const end of pipes.flat()) end.close();
  });

  it('is not waited for where nothing can come', async () => {
    const [reads, writes] = Pipe({ duplex: false });
    for (const object of [writes, {}, 5, 'x', null]) {
      assert.throws(() => waitAnySync([wrong(object)]), TYPE);
      await assert.rejects(waitAny([wrong(object)]), TYPE);
    }
    reads.close();
    writes.close();
  });

  it('is not waited for without a list, and a queue then loses no item', async () => {
    const queue = new Queue<number>();
    queue.putSync(1);
    for (const object of [queue, 5, null, undefined]) {
      assert.throws(() => waitAnySync(wrong(object)), TYPE);
      await assert.rejects(waitAny(wrong(object)), TYPE);
    }
    assert.equal(queue.size, 1);
    queue[Symbol.dispose]();
  });
});
