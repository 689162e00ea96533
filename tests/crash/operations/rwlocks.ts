/**
 * RWLock: a dead reader is out. A dead writer is out, and the next holders see `recovered`.
 */

import assert from 'node:assert/strict';
import { type Owner, RWLock } from 'lockstep';
import { untilWaiting } from '../../support/until.ts';
import type { Member } from '../crew.ts';
import { type Operation, operation, type Suite } from '../operation.ts';
import type { Death, Scene } from '../scene.ts';

type Side = 'read' | 'write';
const forms = [
  { acquire: 'acquireSync', run: 'runSync' },
  { acquire: 'acquire', run: 'run' },
];

const writersFirst = (): RWLock => new RWLock();
const readersFirst = (): RWLock => new RWLock({ prefer: 'readers' });

export const rwlocks: Suite = [
  ...ofSide('read', 'writers', writersFirst),
  ...ofSide('write', 'writers', writersFirst),
  ...ofBoth('writers', writersFirst),
  // Calls that are not made in another way there are left out: it is the same code.
  ...[...ofSide('read', 'readers', readersFirst)].filter(({ name }) => name.includes('release')),
  ...ofBoth('readers', readersFirst),
];

function* ofSide(side: Side, prefer: string, make: () => RWLock): Iterable<Operation> {
  yield operation(`RWLock.${side}.tryAcquire, held by a writer (${prefer} first)`, 1, async (scene) => {
    const lock = scene.share(make());
    const hold = lock.write.acquireSync();
    const death = await scene.crash(lock, `${side}.tryAcquire`);
    assert.equal(death.value ?? null, null);
    hold.release();
    await isSound(scene, lock, death);
  });
  for (const { acquire, run } of forms) {
    yield operation(`RWLock.${side}.${acquire}, free (${prefer} first)`, 2, async (scene) => {
      const lock = scene.share(make());
      await isSound(scene, lock, await scene.crash(lock, `${side}.${acquire}`));
    });
    yield operation(`RWLock.${side}.${run}, free (${prefer} first)`, 3, async (scene) => {
      const lock = scene.share(make());
      await isSound(scene, lock, await scene.crash(lock, `${side}.${run}`, '@function'));
    });
    yield operation(`RWLock.${side}.${acquire}, behind a writer (${prefer} first)`, 5, async (scene) => {
      const lock = scene.share(make());
      const hold = lock.write.acquireSync();
      const crash = scene.crash(lock, `${side}.${acquire}`);
      await scene.untilVictimWaits(lock);
      const next = pass(scene, scene.first, lock, 'read', acquire);
      await scene.untilVictimWaits(lock, 1);
      hold.release();
      await isSound(scene, lock, await crash, await next);
    });
    yield operation(`RWLock.${side}.${acquire}, timed out (${prefer} first)`, 5, async (scene) => {
      const lock = scene.share(make());
      const hold = lock.write.acquireSync();
      const death = await scene.crash(lock, `${side}.${acquire}`, { timeout: 2 });
      assert.equal(death.value ?? null, null);
      hold.release();
      await isSound(scene, lock, death);
    });
    yield operation(
      `RWLock.${side}.release, with a writer in ${acquire} (${prefer} first)`,
      3,
      async (scene) => {
        const lock = scene.share(make());
        await scene.victim.call(lock, `${side}.acquireSync`);
        const next = pass(scene, scene.first, lock, 'write', acquire);
        await untilWaiting(lock, 1);
        await isSound(scene, lock, await scene.crash(lock, `${side}.release`), await next);
      },
    );
  }
}

function* ofBoth(prefer: string, make: () => RWLock): Iterable<Operation> {
  for (const { acquire } of forms) {
    yield operation(`RWLock.write.${acquire}, behind a reader (${prefer} first)`, 5, async (scene) => {
      const lock = scene.share(make());
      const hold = lock.read.acquireSync();
      const crash = scene.crash(lock, `write.${acquire}`);
      await scene.untilVictimWaits(lock);
      const next = pass(scene, scene.first, lock, 'read', acquire);
      const other = pass(scene, scene.second, lock, 'write', acquire);
      if (prefer === 'writers') await scene.untilVictimWaits(lock, 1);
      hold.release();
      await isSound(scene, lock, await crash, await next, await other);
    });
    yield operation(
      `RWLock.write.${acquire}, timed out behind a reader (${prefer} first)`,
      5,
      async (scene) => {
        const lock = scene.share(make());
        const hold = lock.read.acquireSync();
        const death = await scene.crash(lock, `write.${acquire}`, { timeout: 2 });
        assert.equal(death.value ?? null, null);
        const next = await pass(scene, scene.first, lock, 'read', acquire);
        hold.release();
        await isSound(scene, lock, death, next);
      },
    );
  }
  yield operation(`RWLock.read.acquireSync, while it writes (${prefer} first)`, 1, async (scene) => {
    const lock = scene.share(make());
    await scene.victim.call(lock, 'write.acquireSync');
    const next = pass(scene, scene.first, lock, 'read', 'acquireSync');
    await untilWaiting(lock, 1);
    await isSound(scene, lock, await scene.crash(lock, 'read.acquireSync'), await next);
  });
}

/** A member takes the lock and gives it back; resolves to whether it saw `recovered`. */
async function pass(
  scene: Scene,
  member: Member,
  lock: RWLock,
  side: Side,
  acquire: string,
): Promise<boolean> {
  const hold = await scene.progress(member.call(lock, `${side}.${acquire}`), `${side}.${acquire} of ${lock}`);
  await member.call(lock, `${side}.release`);
  return (hold as { recovered: boolean }).recovered;
}

/**
 * Survivors read and write. A survivor sees `recovered` exactly if the victim died as a writer, and
 * none after the next writer.
 */
async function isSound(scene: Scene, lock: RWLock, death: Death, ...passed: boolean[]): Promise<void> {
  assert.equal(death.error, undefined, 'the operation failed');
  const { newcomer, second } = scene;
  const told = [
    ...passed,
    await pass(scene, newcomer, lock, 'read', 'acquireSync'),
    await pass(scene, newcomer, lock, 'write', 'acquireSync'),
  ];
  const writer = death.state.writer as Owner | null | undefined;
  assert.equal(told.includes(true), writer?.pid === death.pid, `who was told: ${told}; ${death.point}`);
  assert.equal(await pass(scene, second, lock, 'read', 'acquireSync'), false);
  const { readers, writer: left, waiting } = lock.describe();
  assert.deepEqual([readers, left, waiting], [[], null, 0]);
}
