/**
 * Deadlocks are found and named: by the one whose wait would close the circle, and by nobody where
 * it is not certain.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { Barrier, Condition, Lock, RLock, Semaphore } from 'lockstep';
import type { Closed, Nested } from '../support/nested-locks.ts';
import { type Actor, suite } from '../support/stage.ts';
import { PATIENCE_MS, untilWaiting } from '../support/until.ts';

/** The one outcome that is a deadlock; all others have got through. */
function theClosed(outcomes: readonly Nested[]): { closed: Closed; by: number } {
  const by = outcomes.findIndex((outcome) => typeof outcome === 'object');
  assert.notEqual(by, -1, 'nobody was told');
  const others = outcomes.toSpliced(by, 1);
  assert.deepEqual(others, Array(others.length).fill('all'), 'more than one got the error');
  return { closed: outcomes[by] as Closed, by };
}

function identity({ pid, threadId, name }: Actor): object {
  return { pid, threadId, name };
}

suite('Deadlock', (stage) => {
  for (const size of [2, 3]) {
    stage.it(
      `${size} that take ${size} locks in a ring: the call that completes it gets the error, the others go on`,
      async () => {
        const locks = Array.from({ length: size }, (_, i) =>
          stage.share(i % 2 === 0 ? new Lock() : new RLock()),
        );
        const met = stage.share(new Barrier(size));
        const actors: Actor[] = await stage.actors(size);
        const outcomes = await Promise.all(
          actors.map((actor, i) => actor.do('nest', [locks[i]!, locks[(i + 1) % size]!], met)),
        );
        const { closed, by } = theClosed(outcomes);
        const { cycle } = closed;
        assert.equal(cycle.length, size);
        cycle.forEach(({ holds, waitsFor, blocked, stack, ...who }, step) => {
          const actor = actors[(by + step) % size]!;
          assert.deepEqual(who, identity(actor));
          assert.equal(waitsFor, cycle[(step + 1) % size]!.holds);
          assert.match(holds, /^R?Lock #\d+$/);
          if (stage.all('blocking')) assert.equal(blocked, true);
          if (stage.all('awaiting')) assert.equal(blocked, false);
          assert.equal(stack, null);
        });
        for (const lock of locks) assert.equal(lock.locked, false);
      },
    );
  }

  stage.it('the message tells in order who holds what and waits for what', async () => {
    const [a, b] = [stage.share(new Lock({ name: 'accounts' })), stage.share(new Lock({ name: 'orders' }))];
    const met = stage.share(new Barrier(2));
    const [one, two] = await stage.actors(2);
    const outcomes = await Promise.all([one.do('nest', [a, b], met), two.do('nest', [b, a], met)]);
    const { closed, by } = theClosed(outcomes);
    const [self, other] = by === 0 ? [one, two] : [two, one];
    const [mine, its] = by === 0 ? ['accounts', 'orders'] : ['orders', 'accounts'];
    const who = ({ name, pid, threadId }: Actor): string =>
      `${name} (pid ${pid}${threadId === 0 ? '' : `, thread ${threadId}`})`;
    assert.deepEqual(closed.message.split('\n'), [
      `Lock "${its}": deadlock, these 2 are waiting for each other:`,
      `  ${who(self)}, here, holds Lock "${mine}" and waits for Lock "${its}"`,
      `  ${who(other)} holds Lock "${its}" and waits for Lock "${mine}"`,
      'take locks in the same order everywhere; release what is held and try again',
    ]);
  });

  stage.it('traced locks tell where they were taken', async () => {
    const [a, b] = [stage.share(new Lock({ stacks: true })), stage.share(new RLock({ stacks: true }))];
    const met = stage.share(new Barrier(2));
    const [one, two] = await stage.actors(2);
    const outcomes = await Promise.all([one.do('nest', [a, b], met), two.do('nest', [b, a], met)]);
    const { cycle, message } = theClosed(outcomes).closed;
    for (const { stack } of cycle) {
      assert.match(stack ?? '', /nested-locks\.[jt]s/);
      assert.ok(message.includes(stack ?? 'none'));
    }
  });

  stage.it('waiting for a Lock that the same flow holds already throws; an RLock is re-entered', async () => {
    const [lock, rlock] = [stage.share(new Lock()), stage.share(new RLock())];
    const [actor] = await stage.actors(1);
    const { closed } = theClosed([await actor.do('nest', [lock, lock])]);
    assert.equal(closed.cycle.length, 1);
    assert.match(closed.message, /holds it already and would wait for itself; .* use an RLock/);
    assert.equal(lock.locked, false);
    assert.equal(await actor.do('nest', [rlock, rlock]), 'all');
  });

  stage.it('a condition takes its lock again with another in hand: that counts', async () => {
    const outer = stage.share(new Lock());
    const condition = stage.share(new Condition());
    const [waiter, notifier] = await stage.actors(2);
    const waits = waiter.do('waitNested', outer, condition);
    await untilWaiting(condition, 1);
    theClosed(await Promise.all([waits, notifier.do('notifyNested', outer, condition)]));
    assert.equal(outer.locked, false);
    assert.equal(condition.locked, false);
  });

  stage.it(
    'a wait that would time out gets the error, too, unless it or the lock says "ignore"',
    async () => {
      const [a, b] = [stage.share(new Lock()), stage.share(new Lock())];
      const tolerant = stage.share(new Lock({ deadlock: 'ignore' }));
      const met = stage.share(new Barrier(2));
      const [one, two] = await stage.actors(2);
      const both = (first: Lock, second: Lock, ...options: [object, object]): Promise<Nested[]> =>
        Promise.all([
          one.do('nest', [first, second], met, options[0]),
          two.do('nest', [second, first], met, options[1]),
        ]);
      const long = { timeout: PATIENCE_MS };
      theClosed(await both(a, b, long, long));
      theClosed(await both(a, b, long, { ...long, deadlock: 'ignore' }));
      const short = { timeout: 50 };
      const ignore = { ...short, deadlock: 'ignore' };
      assert.ok((await both(a, b, ignore, ignore)).includes('not all'));
      assert.ok((await both(a, tolerant, short, short)).includes('not all'));
    },
  );

  stage.it('semaphores have no part in it, nor has a lock that others have released before', async () => {
    const [a, b] = [stage.share(new Lock()), stage.share(new Lock())];
    const semaphore = stage.share(new Semaphore(1));
    const met = stage.share(new Barrier(2));
    const [one, two] = await stage.actors(2);
    await one.do('acquire', semaphore);
    await two.do('acquire', a);
    const waits = two.do('acquire', semaphore);
    await untilWaiting(semaphore, 1);
    assert.equal(await one.do('acquire', a, { timeout: 50 }), null);
    await one.do('release', semaphore);
    await waits;
    // Released by another: from now on a signal.
    await one.do('release', a);
    const short = { timeout: 50 };
    const outcomes = await Promise.all([
      one.do('nest', [a, b], met, short),
      two.do('nest', [b, a], met, short),
    ]);
    assert.ok(outcomes.includes('not all'));
  });

  stage.it('a holder that is killed meanwhile closes nothing: the other gets its lock', async () => {
    const [a, b] = [stage.share(new Lock()), stage.share(new Lock())];
    const [one, two] = await stage.actors(2);
    await one.do('acquire', a);
    const waits = two.do('nest', [b, a]);
    await untilWaiting(a, 1);
    void waits.catch(() => {});
    await two.kill();
    assert.deepEqual(await one.do('acquire', b), { recovered: true });
  });

  stage.it(
    'five that take two forks each in a bad order all eat, as each that gets the error lets go',
    async () => {
      const forks = Array.from({ length: 5 }, () => stage.share(new Lock()));
      const philosophers: Actor[] = await stage.actors(5);
      const meals = 40;
      const dinners = await Promise.all(
        philosophers.map((each, i) => each.do('dine', forks[i]!, forks[(i + 1) % 5]!, meals)),
      );
      assert.deepEqual(
        dinners.map((dinner) => dinner.meals),
        Array(5).fill(meals),
      );
      for (const fork of forks) assert.equal(fork.locked, false);
    },
  );
});
