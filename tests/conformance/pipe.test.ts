/**
 * The contract of Pipe and Connection, case by case. Cases about closing and deaths are in
 * pipe-ends.test.ts.
 *
 * Left out of K, with the reason:
 *   K135 (end-of-file in the middle of a message): a message is wholly there or not at all.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { type Connection, Event, Lock, Pipe } from 'lockstep';
import { UNSENDABLE } from '../support/messages.ts';
import { suite } from '../support/stage.ts';

const BROKEN = { code: 'ERR_LOCKSTEP_BROKEN_PIPE', name: 'BrokenPipeError' };
const STALE = { code: 'ERR_LOCKSTEP_STALE_HANDLE' };
const RANGE = { code: 'ERR_LOCKSTEP_OUT_OF_RANGE', name: 'RangeError' };
const TYPE = { code: 'ERR_LOCKSTEP_INVALID_TYPE', name: 'TypeError' };
const STATE = { code: 'ERR_LOCKSTEP_STATE' };

suite('Pipe', (stage) => {
  const pipe = (options?: { duplex: boolean }): [Connection, Connection] => {
    const [a, b] = Pipe(options);
    return [stage.share(a), stage.share(b)];
  };

  stage.it('K127: messages keep their boundaries and order, both ways', async () => {
    const [here, there] = pipe();
    const [one, two] = await stage.actors(2);
    for (const message of ['a', 'b', 'cd']) await one.do('send', here, message);
    for (const message of ['a', 'b', 'cd']) assert.equal(await two.do('recv', there), message);
    await two.do('send', there, { back: true });
    assert.deepEqual(await one.do('recv', here), { back: true });
  });

  stage.it(
    'K127: messages of every length keep their boundaries and order while both are at it',
    async () => {
      const [here, there] = pipe();
      const [one, two] = await stage.actors(2);
      // Up to some that go by a file of their own, and more in all than the pipe has room for.
      const lengths = Array.from({ length: 300 }, (_, n) =>
        n % 50 === 0 ? 300_000 + n : (n * 7919) % 20_000,
      );
      const received = two.do('recvLengths', there, lengths.length);
      await one.do('sendLengths', here, lengths);
      assert.deepEqual(await received, lengths);
      assert.equal(await two.do('poll', there), false);
    },
  );

  stage.it('K129: a one-way pipe refuses the other way', async () => {
    const [reads, writes] = pipe({ duplex: false });
    const [one, two] = await stage.actors(2);
    assert.deepEqual(
      [reads.readable, reads.writable, writes.readable, writes.writable],
      [true, false, false, true],
    );
    await assert.rejects(one.do('send', reads, 1), STATE);
    await assert.rejects(one.do('sendBytes', reads, new Uint8Array(1)), STATE);
    await assert.rejects(two.do('recv', writes), STATE);
    await assert.rejects(two.do('recvBytes', writes), STATE);
    await assert.rejects(two.do('poll', writes), STATE);
    await two.do('send', writes, 1);
    assert.equal(await one.do('recv', reads), 1);
  });

  stage.it('K130: poll does not wait by default, and waits for its timeout', async () => {
    const [here, there] = pipe();
    const [actor, other] = await stage.actors(2);
    assert.equal(await actor.do('poll', there), false);
    const { value, milliseconds } = await actor.timed('poll', there, { timeout: 60 });
    assert.equal(value, false);
    assert.ok(milliseconds >= 60);
    assert.equal(await actor.do('poll', there, { timeout: -1 }), false);
    const waits = actor.do('poll', there, { timeout: Number.POSITIVE_INFINITY });
    await other.do('send', here, 'x');
    assert.equal(await waits, true);
    assert.equal(await actor.do('poll', there), true);
    assert.equal(await actor.do('recv', there), 'x');
  });

  stage.it('K138: sendBytes sends exactly the slice, of whatever holds bytes', async () => {
    const [here, there] = pipe();
    const [one, two] = await stage.actors(2);
    const bytes = new Uint8Array([1, 2, 3, 4, 5]);
    const whole = [1, 2, 3, 4, 5];
    for (const [offset, size, expected] of [
      [undefined, undefined, whole],
      [0, 5, whole],
      [2, undefined, [3, 4, 5]],
      [1, 2, [2, 3]],
      [4, 1, [5]],
      [2, 0, []],
      [5, undefined, []],
      [5, 0, []],
    ] as const) {
      await one.do('sendBytes', here, bytes, offset, size);
      assert.deepEqual(await two.do('recvBytes', there), new Uint8Array(expected));
    }
    const words = Uint16Array.of(0x0201, 0x0403, 0x0605);
    for (const [view, expected] of [
      [bytes.subarray(1, 4), [3, 4]],
      [words, [2, 3, 4, 5, 6]],
      [words.subarray(1), [4, 5, 6]],
      [new DataView(bytes.buffer, 2), [4, 5]],
      [bytes.buffer, [2, 3, 4, 5]],
    ] as const) {
      here.sendBytesSync(view, 1);
      await here.sendBytes(view, 1);
      for (let n = 0; n < 2; n++)
        assert.deepEqual(await two.do('recvBytes', there), new Uint8Array(expected));
    }
  });

  stage.it('K138: a slice that is not within is refused, and nothing is sent', async () => {
    const [here, there] = pipe();
    const [one, two] = await stage.actors(2);
    const bytes = new Uint8Array([1, 2, 3, 4, 5]);
    for (const [offset, size] of [
      [-1, undefined],
      [-1, 2],
      [0, -1],
      [0, 6],
      [6, undefined],
      [6, 0],
      [2, 4],
      [5, 1],
      [0.5, undefined],
      [0, 1.5],
      [Number.NaN, undefined],
      [0, Number.NaN],
      [0, Number.POSITIVE_INFINITY],
      [2 ** 53, -(2 ** 53)],
    ] as const) {
      await assert.rejects(one.do('sendBytes', here, bytes, offset, size), RANGE, `${offset}, ${size}`);
      // The bytes around a part of a buffer are not within it.
      await assert.rejects(one.do('sendBytes', here, bytes.subarray(1, 3), 1, 2), RANGE);
    }
    for (const wrong of ['1', null, 1n, {}]) {
      assert.throws(() => here.sendBytesSync(bytes, wrong as never), TYPE);
      await assert.rejects(here.sendBytes(bytes, 0, wrong as never), TYPE);
    }
    assert.equal(await two.do('poll', there), false);
  });

  stage.it('K138: bytes that wait for room are sent as they were when they were to be sent', async () => {
    const [here, there] = pipe();
    const [one, two] = await stage.actors(2);
    const bytes = new Uint8Array(200_000).fill(200_000);
    const changed = stage.share(new Event());
    const sends = one.do('sendBytesAndChange', here, bytes, changed);
    await changed.wait();
    assert.deepEqual(await two.do('recvLengths', there, 1), [bytes.length]);
    const sent = await sends;
    assert.ok(sent > 1);
    assert.deepEqual(await two.do('recvLengths', there, sent - 1), new Array(sent - 1).fill(bytes.length));
  });

  stage.it(
    'K139: a message as long as was asked for is received, and a length that is none is refused',
    async () => {
      const [here, there] = pipe();
      const [one, two] = await stage.actors(2);
      for (const length of [0, 10]) {
        await one.do('sendBytes', here, new Uint8Array(length));
        for (const most of [-1, Number.NaN, Number.NEGATIVE_INFINITY])
          await assert.rejects(two.do('recvBytes', there, most), RANGE);
        for (const most of ['10', null, 10n])
          await assert.rejects(two.do('recvBytes', there, most as never), TYPE);
        assert.equal((await two.do('recvBytes', there, length)).length, length);
      }
      await two.do('send', there, 'still');
      assert.equal(await one.do('recv', here), 'still');
    },
  );

  stage.it(
    'K139: a message longer than was asked for is refused, and the end receives no more; a duplex one still sends',
    async () => {
      const [here, there] = pipe();
      const [one, two] = await stage.actors(2);
      await one.do('sendBytes', here, new Uint8Array(10));
      await assert.rejects(two.do('recvBytes', there, 9), { name: 'RangeError' });
      await one.do('send', here, 'more');
      for (const operation of ['recv', 'poll', 'recvBytes'] as const)
        await assert.rejects(two.do(operation, there, undefined), { code: 'ERR_LOCKSTEP_CLOSED' });
      await two.do('send', there, 'still');
      assert.equal(await one.do('recv', here), 'still');
    },
  );

  stage.it('K139: a one-way end that has got too long a message is closed', async () => {
    const [reads, writes] = pipe({ duplex: false });
    const [sender, receiver] = await stage.actors(2);
    await sender.do('sendBytes', writes, new Uint8Array(10));
    await assert.rejects(receiver.do('recvBytes', reads, 9), { name: 'RangeError' });
    await assert.rejects(receiver.do('poll', reads), { code: 'ERR_LOCKSTEP_CLOSED' });
    reads.close();
    await assert.rejects(sender.do('send', writes, 1), BROKEN);
  });

  // The messages were encoded by the same library: a shared object that is gone stands for what
  // can't be read. A pipe keeps those of its namespace.
  stage.it(
    'K142: a message that cannot be read throws at the receiver, is taken, and the next arrives',
    async () => {
      const [here, there] = pipe();
      const [actor] = await stage.actors(1);
      const gone = new Lock({ namespace: 'elsewhere' });
      here.sendSync([1, gone]);
      here.sendSync(new Map([['gone', gone]]));
      here.sendSync('next');
      gone.close();
      for (let n = 0; n < 2; n++) await assert.rejects(actor.do('recv', there), STALE);
      assert.equal(await actor.do('recv', there), 'next');
    },
  );

  stage.it('X29: two peers may each send a large message before either receives', async () => {
    const [here, there] = pipe();
    const [one, two] = await stage.actors(2);
    const large = new Uint8Array(3_000_000).fill(7);
    await Promise.all([one.do('send', here, large), two.do('send', there, large)]);
    assert.equal(((await one.do('recv', here)) as Uint8Array).length, large.length);
    assert.equal(((await two.do('recv', there)) as Uint8Array).length, large.length);
  });

  stage.it('K141: a value that cannot be sent throws at the sender, and nothing is on the wire', async () => {
    const [here, there] = pipe();
    const [one, two] = await stage.actors(2);
    for (const which of Object.keys(UNSENDABLE)) {
      await assert.rejects(one.do('sendUnsendable', here, which), {
        code: 'ERR_LOCKSTEP_NOT_SENDABLE',
        message: /^Connection: value.* can't be sent/,
      });
    }
    assert.equal(await two.do('poll', there), false);
    await one.do('send', here, 'next');
    assert.equal(await two.do('recv', there), 'next');
  });

  stage.it('carries shared objects, its own kind too', async () => {
    const [here, there] = pipe();
    const [actor] = await stage.actors(1);
    const lock = stage.share(new Lock());
    const [inner, outer] = pipe();
    await actor.do('send', here, 'ready');
    assert.equal(there.recvSync(), 'ready');
    here.sendSync([lock, inner]);
    const [gotLock, gotEnd] = there.recvSync() as [Lock, Connection];
    assert.equal(gotLock.handle, lock.handle);
    gotEnd.sendSync('through');
    assert.equal(await actor.do('recv', outer), 'through');
  });
});
