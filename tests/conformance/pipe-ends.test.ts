/**
 * The contract of a pipe's ends, case by case: that they are closed here, closed by others, or that
 * those who had them are killed.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { type Connection, Event, Pipe, waitAny, waitAnySync } from 'lockstep';
import type { WaitOfEnd } from '../support/messages.ts';
import { suite } from '../support/stage.ts';
import { greetsAndCloses, repliesOnce } from '../support/targets.ts';
import { PATIENCE_MS, until } from '../support/until.ts';

const END = { code: 'ERR_LOCKSTEP_END_OF_STREAM', name: 'EndOfStreamError' };
const BROKEN = { code: 'ERR_LOCKSTEP_BROKEN_PIPE', name: 'BrokenPipeError' };
const CLOSED = { code: 'ERR_LOCKSTEP_CLOSED', name: 'ClosedError' };
const TIMED_OUT = { code: 'ERR_LOCKSTEP_TIMED_OUT' };

suite('the ends of a Pipe', (stage) => {
  const pipe = (options?: { duplex: boolean }): [Connection, Connection] => {
    const [a, b] = Pipe(options);
    return [stage.share(a), stage.share(b)];
  };

  stage.it(
    'K132: the end is seen when everyone who had the other end has closed it, or was killed',
    async () => {
      const [here, there] = pipe();
      const [one, two, reader] = await stage.actors(3);
      await one.do('send', here, 'last');
      await two.do('poll', here);
      await reader.do('poll', there);
      await one.do('closeEnd', here);
      here.close();
      assert.equal(await reader.do('recv', there), 'last');
      await assert.rejects(reader.do('recv', there, { timeout: 30 }), TIMED_OUT);
      const waits = assert.rejects(reader.do('recv', there), END);
      await two.kill();
      await waits;
      await assert.rejects(reader.do('recv', there), END);
      assert.equal(await reader.do('poll', there), true);
    },
  );

  stage.it(
    'K133: sending to an end that nobody has is a broken pipe, also for one who waits for room',
    async () => {
      const [here, there] = pipe();
      const [one, two] = await stage.actors(2);
      await two.do('poll', there);
      const big = new Uint8Array(200_000);
      const full = assert.rejects(async () => {
        for (;;) await one.do('send', here, big);
      }, BROKEN);
      await until(() => here.describe().waitingToSend === 1, 'the pipe to be full');
      await two.do('closeEnd', there);
      there.close();
      await full;
      await assert.rejects(one.do('send', here, 1), BROKEN);
    },
  );

  stage.it(
    'K133: sending to an end that nobody has is refused at once, bytes, too, and one way',
    async () => {
      for (const duplex of [true, false]) {
        const [reads, writes] = pipe({ duplex });
        const [one, two] = await stage.actors(2);
        await two.do('poll', reads);
        await one.do('send', writes, 'before');
        await two.do('closeEnd', reads);
        reads.close();
        await assert.rejects(one.do('send', writes, 1), BROKEN);
        await assert.rejects(one.do('send', writes, 1, { timeout: 0 }), BROKEN);
        await assert.rejects(one.do('sendBytes', writes, new Uint8Array(1)), BROKEN);
        await assert.rejects(one.do('sendBytes', writes, new Uint8Array(2_000_000)), BROKEN);
      }
    },
  );

  stage.it(
    'K133: a sender that waits for room gets an error when the holder of the other end is killed',
    async () => {
      const [here, there] = pipe();
      const [one, two] = await stage.actors(2);
      await two.do('poll', there);
      there.close();
      const full = assert.rejects(async () => {
        for (;;) await one.do('sendBytes', here, new Uint8Array(200_000));
      }, BROKEN);
      await until(() => here.describe().waitingToSend === 1, 'the pipe to be full');
      await two.kill();
      await full;
    },
  );

  stage.it('K136: everything on a closed end is refused; close is idempotent', async () => {
    const [here, there] = pipe();
    const [actor, other] = await stage.actors(2);
    await other.do('send', here, 'not to be had there any more');
    await actor.do('poll', there);
    await actor.do('closeEnd', there);
    await actor.do('closeEnd', there);
    const bytes = new Uint8Array(1);
    for (const refused of [
      actor.do('send', there, 1),
      actor.do('sendBytes', there, bytes),
      actor.do('sendBytes', there, bytes, -1),
      actor.do('recv', there),
      actor.do('recv', there, { timeout: 0 }),
      actor.do('recvBytes', there),
      actor.do('poll', there),
      actor.do('get', there, 'handle'),
    ]) {
      await assert.rejects(refused, { ...CLOSED, message: /^Connection: .*was closed in this thread/ });
    }
    assert.equal(await actor.do('get', there, 'closed'), true);
    assert.equal(await actor.do('invoke', there, 'toString'), '<Connection closed>');
    // That thread has ended its use; here the end stays in use.
    assert.equal(there.closed, false);
    assert.equal(there.recvSync(), 'not to be had there any more');
  });

  stage.it('K136: a closed end refuses iteration, and is ready for waitAny', async () => {
    const [here, there] = pipe();
    here.close();
    assert.equal(here.closed, true);
    assert.throws(() => here.sendSync(1), CLOSED);
    assert.throws(() => here.recvSync(), CLOSED);
    assert.throws(() => here.pollSync(), CLOSED);
    assert.throws(() => here.recvBytesSync(), CLOSED);
    assert.throws(() => here.sendBytesSync(new Uint8Array(1)), CLOSED);
    await assert.rejects(here[Symbol.asyncIterator]().next(), CLOSED);
    assert.deepEqual(waitAnySync([here], { timeout: 0 }), [here]);
    assert.deepEqual(await waitAny([here]), [here]);
    const [actor] = await stage.actors(1);
    await assert.rejects(actor.do('recv', there), END);
  });

  stage.it('K136: the scoped form closes the end, which the other end sees', async () => {
    const [here, there] = pipe();
    const [one, two] = await stage.actors(2);
    await two.do('send', there, 'x');
    assert.equal(await one.do('recv', here), 'x');
    assert.equal(await one.do('leaveScope', here), true);
    await assert.rejects(one.do('send', here, 1), CLOSED);
    // Here it is still open.
    await assert.rejects(two.do('recv', there, { timeout: 30 }), TIMED_OUT);
    const ends = assert.rejects(two.do('recv', there), END);
    here[Symbol.dispose]();
    await ends;
    await assert.rejects(two.do('send', there, 1), BROKEN);
  });

  stage.it(
    'K136: a call that waits when its own end is closed gets an error, wherever the other end is',
    async () => {
      const waits: WaitOfEnd[] = [
        'recv',
        'recv with a timeout',
        'recvBytes',
        'poll',
        'waitAny',
        'iterate',
        'send',
        'sendBytes',
      ];
      const [one, two] = await stage.actors(2);
      for (const what of waits) {
        for (const both of [true, false]) {
          const [here, there] = pipe();
          await (both ? one : two).do('poll', here);
          const closed = one.do('closeMeanwhile', there, what);
          await assert.rejects(
            closed,
            { ...CLOSED, message: /given up, the object was closed meanwhile/ },
            what,
          );
          here.close();
          there.close();
        }
      }
    },
  );

  stage.it('K136: a send that has just got room has sent, also when its end is closed at once', async () => {
    const [here, there] = pipe();
    const sends = [here.send(new Uint8Array(200_000))];
    while (here.describe().waitingToSend === 0) sends.push(here.send(new Uint8Array(200_000)));
    there.recvSync();
    // After the send was woken, and before it continues.
    queueMicrotask(() => here.close());
    await Promise.all(sends);
    for (let left = sends.length - 1; left > 0; left--) assert.equal(there.recvBytesSync().length, 200_000);
    assert.throws(() => there.recvSync(), END);
  });

  stage.it('a parent that blocks right after start sees that its child has closed its end', async () => {
    const [here, there] = pipe();
    const over = stage.share(new Event());
    const worker = stage.worker({ target: greetsAndCloses, args: [there, over] });
    worker.start();
    there.close();
    assert.equal(here.recvSync(), 'hello');
    assert.throws(() => here.recvSync({ timeout: PATIENCE_MS }), END);
    over.set();
    await worker.join();
  });

  stage.it('X31: the parent may close its copy of the child’s end right after start', async () => {
    const [here, there] = pipe();
    const worker = stage.worker({ target: repliesOnce, args: [there] });
    worker.start();
    there.close();
    await here.send('x');
    assert.deepEqual(await here.recv(), { reply: 'x' });
    await worker.join();
    await assert.rejects(here.recv(), END);
  });
});
