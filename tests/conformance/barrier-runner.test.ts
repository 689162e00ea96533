/**
 * The party that runs a barrier's action is killed or stopped in it. The others get an error, or
 * wait and can give up, and the barrier can be used again.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Barrier, Event, Process, Thread } from 'lockstep';
import { freeze, thaw } from '../support/processes.ts';
import { meetsAndRuns, meetsThere, waitsInside } from '../support/slow-actions.ts';
import { HANG_MS, untilWaiting } from '../support/until.ts';

const BROKEN = 'ERR_LOCKSTEP_BROKEN_BARRIER';

/** A round of four: this process awaits, two others are seated, and one runs the action. */
async function inTheAction(Kind: typeof Process | typeof Thread): Promise<{
  barrier: Barrier;
  runner: Process<number> | Thread<number>;
  go: Event;
  places: Promise<(number | string)[]>;
  settled: () => number;
}> {
  const barrier = new Barrier(4, { action: waitsInside });
  const [begun, go] = [new Event(), new Event()];
  const others = [true, false].map(
    (blocking) => new Process({ target: meetsThere, args: [barrier, blocking] }),
  );
  for (const other of others) other.start();
  const waits = [meetsThere(barrier, false), ...others.map(({ result }) => result)];
  let settled = 0;
  for (const wait of waits)
    void wait.then(() => {
      settled++;
    });
  await untilWaiting(barrier, 3);
  const runner = new Kind({ target: meetsAndRuns, args: [barrier, begun, go], daemon: true });
  runner.start();
  await begun.wait();
  const places = Promise.all(waits).then(async (all) => {
    await Promise.all(others.map((other) => other.join()));
    return all;
  });
  return { barrier, runner, go, places, settled: () => settled };
}

/** All parties meet again. */
async function isUsable(barrier: Barrier): Promise<void> {
  const go = new Event();
  go.set();
  const runner = new Process({ target: meetsAndRuns, args: [barrier, new Event(), go] });
  const waits = [barrier.wait(), barrier.wait(), barrier.wait()];
  await untilWaiting(barrier, 3);
  runner.start();
  assert.deepEqual((await Promise.all([...waits, runner.result])).sort(), [0, 1, 2, 3]);
  await runner.join();
}

describe('the runner of a barrier’s action', { concurrency: true, timeout: HANG_MS }, () => {
  for (const Kind of [Process, Thread]) {
    it(`(a ${Kind.name}) that is killed in it breaks the round for all, and their errors name it`, async () => {
      const { barrier, runner, places } = await inTheAction(Kind);
      if (runner instanceof Process) runner.kill();
      else await runner.terminate();
      for (const place of await places) {
        assert.ok(String(place).startsWith(BROKEN), `${place}`);
        // Its name is there until its slot has been cleared up or taken by another; its pid always.
        const pid = runner instanceof Process ? runner.pid : process.pid;
        const isNamed = [runner.name, `pid ${pid}`].some((name) => String(place).includes(name));
        assert.ok(isNamed, `${place} names neither ${runner.name} nor pid ${pid}`);
      }
      await runner.join();
      assert.equal(barrier.broken, true);
      barrier.reset();
      await isUsable(barrier);
    });
  }

  it('that is stopped in it holds up its round alone: newcomers can give up, and the round passes', async () => {
    const { barrier, runner, go, places, settled } = await inTheAction(Process);
    const pid = (runner as Process).pid!;
    await freeze(pid);
    go.set();
    await assert.rejects(barrier.wait({ timeout: 50 }), { code: BROKEN });
    assert.equal(settled(), 0, 'somebody of the round went on');
    thaw(pid);
    const all = [...(await places), await runner.result];
    assert.deepEqual(all.sort(), [0, 1, 2, 3]);
    await runner.join();
    // The next round is the one that was given up.
    assert.equal(barrier.broken, true);
    barrier.reset();
    await isUsable(barrier);
  });

  it('that is stopped in it and then killed breaks the round', async () => {
    const { barrier, runner, places, settled } = await inTheAction(Process);
    const pid = (runner as Process).pid!;
    await freeze(pid);
    await assert.rejects(barrier.wait({ timeout: 50 }), { code: BROKEN });
    assert.equal(settled(), 0, 'somebody of the round went on');
    process.kill(pid, 'SIGKILL');
    for (const place of await places) assert.ok(String(place).startsWith(BROKEN), `${place}`);
    await runner.join();
    barrier.reset();
    await isUsable(barrier);
  });
});
