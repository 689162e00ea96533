/**
 * The contract of Event. Of E nothing is left out but single flavours, each marked where it stands:
 *   64 and 65 in the form that stops a waiter need a process. Threads can't be stopped.
 *   X9 (set from a signal handler) needs the main thread of a process with a running event loop.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { suite } from '../support/stage.ts';
import { PATIENCE_MS } from '../support/until.ts';

suite('Event', (stage) => {
  stage.it(
    'E58: it begins clear; set and clear are seen by all, and doing either twice is harmless',
    async () => {
      const event = await stage.make.event();
      const [one, other] = await stage.actors(2);
      const seen = async (): Promise<boolean[]> => [
        await event.isSet(),
        await one.do('isSet', event),
        await other.do('isSet', event),
      ];
      assert.deepEqual(await seen(), [false, false, false]);
      for (let i = 0; i < 2; i++) {
        await one.do('set', event);
        assert.deepEqual(await seen(), [true, true, true]);
      }
      for (let i = 0; i < 2; i++) {
        await other.do('clear', event);
        assert.deepEqual(await seen(), [false, false, false]);
      }
    },
  );

  stage.it(
    'E60: waiting for a clear event gives false at once for 0 or less, else when the time has passed',
    async () => {
      const event = await stage.make.event();
      const [actor] = await stage.actors(1);
      assert.equal(await actor.do('wait', event, { timeout: 0 }), false);
      assert.equal(await actor.do('wait', event, { timeout: -1 }), false);
      const { value, milliseconds } = await actor.timed('wait', event, { timeout: 100 });
      assert.equal(value, false);
      assert.ok(milliseconds >= 100, `gave up after ${milliseconds} ms`);
      await stage.untilWaiting(event, 0);
    },
  );

  stage.it(
    'waiting for an event that is set gives true at once, also with a timeout of 0 or less',
    async () => {
      const event = await stage.make.event();
      await event.set();
      const [actor] = await stage.actors(1);
      assert.equal(await actor.do('wait', event), true);
      assert.equal(await actor.do('wait', event, { timeout: 0 }), true);
      assert.equal(await actor.do('wait', event, { timeout: -1 }), true);
    },
  );

  stage.it('E61: set wakes every waiter', async () => {
    const event = await stage.make.event();
    const [setter, ...waiters] = await stage.actors(5);
    const woken = Promise.all(waiters.map((waiter) => waiter.do('wait', event)));
    await stage.untilWaiting(event, 4);
    await setter.do('set', event);
    assert.deepEqual(await woken, [true, true, true, true]);
    await stage.untilWaiting(event, 0);
  });

  stage.it('E63: set by a child is seen by the waiting parent', async () => {
    const event = await stage.make.event();
    const [actor] = await stage.actors(1);
    const woken = event.wait({ timeout: PATIENCE_MS });
    await actor.do('set', event);
    assert.equal(await woken, true);
    assert.equal(await event.wait({ timeout: 0 }), true);
  });

  stage.it(
    'E64, E65 HAZARD: set followed at once by clear wakes all who waited, and none who come later',
    async () => {
      const event = await stage.make.event();
      const [setter, ...waiters] = await stage.actors(5);
      for (let round = 0; round < 10; round++) {
        const woken = Promise.all(
          waiters.map((waiter) => waiter.do('wait', event, { timeout: PATIENCE_MS })),
        );
        await stage.untilWaiting(event, 4);
        await setter.do('setAndClear', event);
        assert.deepEqual(await woken, [true, true, true, true]);
        assert.equal(await waiters[0].do('wait', event, { timeout: 0 }), false);
      }
    },
  );

  const lateToRun = 'E65 HAZARD: a waiter that runs only after set and clear comes back with true';
  if (stage.all('process')) {
    stage.it(lateToRun, async () => {
      const event = await stage.make.event();
      const [waiter] = await stage.actors(1);
      const woken = waiter.do('wait', event, { timeout: PATIENCE_MS });
      await stage.untilWaiting(event, 1);
      await waiter.freeze();
      await event.set();
      await event.clear();
      waiter.thaw();
      assert.equal(await woken, true);
    });
  } else {
    stage.omit(lateToRun, 'a thread cannot be stopped in its tracks');
  }

  stage.it(
    'E66 HAZARD: after a waiter was killed set returns, wakes the others, and isSet answers',
    async () => {
      const event = await stage.make.event();
      const [doomed, live, setter] = await stage.actors(3);
      void doomed.do('wait', event);
      const woken = live.do('wait', event);
      await stage.untilWaiting(event, 2);
      await doomed.kill();
      await setter.do('set', event);
      assert.equal(await woken, true);
      assert.equal(await setter.do('isSet', event), true);
      await setter.do('clear', event);
      assert.equal(await event.isSet(), false);
    },
  );

  const handler = 'EX9 HAZARD: set from a signal handler of the very thread that waits wakes it';
  if (stage.all('process') && stage.all('awaiting')) {
    stage.it(handler, async () => {
      const event = await stage.make.event();
      const [waiter] = await stage.actors(1);
      const woken = waiter.do('waitForSignalHandler', event);
      await stage.untilWaiting(event, 1);
      process.kill(waiter.pid, 'SIGUSR2');
      assert.equal(await woken, true);
      assert.equal(await event.isSet(), true);
    });
  } else {
    stage.omit(handler, 'signal handlers run only in the event loop of a process');
  }

  stage.it('it may be used again and again: cleared, a wait waits for the next set', async () => {
    const event = await stage.make.event();
    const [waiter, setter] = await stage.actors(2);
    for (let round = 0; round < 10; round++) {
      const woken = waiter.do('wait', event);
      await stage.untilWaiting(event, 1);
      assert.deepEqual(waiter.pending, ['wait']);
      await setter.do('set', event);
      assert.equal(await woken, true);
      await setter.do('clear', event);
    }
  });
});
