/**
 * Barrier: a round in which a party dies is broken for all the others, or had passed for all; after
 * a reset it is as new.
 */

import assert from 'node:assert/strict';
import { Barrier } from 'lockstep';
import { countRound } from '../../support/actions.ts';
import { waitersFor } from '../../support/internals.ts';
import { until, untilWaiting } from '../../support/until.ts';
import type { Member } from '../crew.ts';
import { NAMESPACE, type Operation, operation, type Suite } from '../operation.ts';
import type { Death, Scene } from '../scene.ts';

const BROKEN = 'ERR_LOCKSTEP_BROKEN_BARRIER';

export const barriers: Suite = [
  ...['waitSync', 'wait'].flatMap((form) => [...inForm(form)]),
  ...withAction(),
  operation('Barrier.reset, with a waiter', 5, async (scene) => {
    const barrier = scene.share(new Barrier(2));
    const other = new Party(scene, barrier, scene.first, 'waitSync');
    await untilWaiting(barrier, 1);
    const death = await scene.crash(barrier, 'reset');
    // It has reset, or broken the round, or done nothing.
    if (death.completed) assert.equal(barrier.broken, false);
    else barrier.reset();
    assert.equal(death.error, undefined, 'the operation failed');
    assert.equal(await other.outcome, 'broken');
    await isUsable(scene, barrier);
  }),
  operation('Barrier.abort, with a waiter', 3, async (scene) => {
    const barrier = scene.share(new Barrier(2));
    const other = new Party(scene, barrier, scene.first, 'wait');
    await untilWaiting(barrier, 1);
    const death = await scene.crash(barrier, 'abort');
    if (death.completed) assert.equal(barrier.broken, true);
    else barrier.abort();
    assert.equal(death.error, undefined, 'the operation failed');
    assert.equal(await other.outcome, 'broken');
    await isUsable(scene, barrier);
  }),
];

/** The handle that a member gives of what it has made makes it record the action. */
function* withAction(): Iterable<Operation> {
  yield operation('new Barrier with an action, and its handle', 14, async (scene) => {
    await scene.victim.order('new', 'Event'); // So that it has joined.
    const death = await scene.crashIn('new', 'Barrier', 2, '@withAction');
    assert.equal(death.error, undefined);
  });
  yield operation('a Barrier with an action that others have, and its handle', 8, async (scene) => {
    const options = { name: 'with an action', namespace: NAMESPACE, action: countRound };
    const barrier = scene.share(new Barrier(2, options));
    const death = await scene.crashIn('new', 'Barrier', 2, '@namedWithAction');
    assert.equal(death.error, undefined);
    // One of the two parties has only the handle: it has to find the action.
    await isUsable(scene, barrier);
  });
}

function* inForm(wait: string): Iterable<Operation> {
  yield operation(`Barrier.${wait}, as the first of three`, 12, async (scene) => {
    const barrier = scene.share(new Barrier(3));
    const crash = scene.crash(barrier, wait);
    await scene.untilVictimWaits(barrier);
    const both = [
      new Party(scene, barrier, scene.first, wait),
      new Party(scene, barrier, scene.second, wait),
    ];
    await ends(scene, barrier, await crash, both);
  });
  yield operation(`Barrier.${wait}, as the last of three`, 8, async (scene) => {
    const barrier = scene.share(new Barrier(3));
    const both = [
      new Party(scene, barrier, scene.first, 'waitSync'),
      new Party(scene, barrier, scene.second, 'wait'),
    ];
    await untilWaiting(barrier, 2);
    await ends(scene, barrier, await scene.crash(barrier, wait), both);
  });
  yield operation(`Barrier.${wait}, as the last, with an action`, 8, async (scene) => {
    const barrier = scene.share(new Barrier(2, { action: countRound }));
    const other = new Party(scene, barrier, scene.first, wait);
    await untilWaiting(barrier, 1);
    await ends(scene, barrier, await scene.crash(barrier, wait), [other]);
  });
  yield operation(`Barrier.${wait}, timed out`, 8, async (scene) => {
    const barrier = scene.share(new Barrier(3));
    const other = new Party(scene, barrier, scene.first, wait);
    await untilWaiting(barrier, 1);
    const death = await scene.crash(barrier, wait, { timeout: 2 });
    assert.equal(death.error?.code, death.completed ? BROKEN : undefined);
    if (!barrier.broken) {
      assert.equal(barrier.nWaiting, 1, 'the dead one sits in a round that is not broken');
      barrier.abort();
    }
    assert.equal(await other.outcome, 'broken');
    await isUsable(scene, barrier);
  });
}

/** A survivor in the round in which the victim dies. */
class Party {
  readonly member: Member;
  /** The place that it was given, or `broken`. */
  readonly outcome: Promise<number | 'broken'>;
  settled = false;

  constructor(scene: Scene, barrier: Barrier, member: Member, wait: string) {
    this.member = member;
    this.outcome = scene.progress(comesThrough(member, barrier, wait), `${wait} of a survivor`);
    this.outcome.then(
      () => {
        this.settled = true;
      },
      () => {},
    );
  }
}

async function comesThrough(member: Member, barrier: Barrier, wait: string): Promise<number | 'broken'> {
  try {
    return Number(await member.call(barrier, wait));
  } catch (error) {
    if (Reflect.get(error as Error, 'code') === BROKEN) return 'broken';
    throw error;
  }
}

/**
 * The round is broken for all the others, or passed for all; or it still lacks a party, with which
 * it passes.
 */
async function ends(scene: Scene, barrier: Barrier, death: Death, others: Party[]): Promise<void> {
  assert.equal(death.error, undefined, 'the operation failed');
  const lacksOne = (): boolean => {
    const there = new Set(waitersFor(barrier).map(({ pid }) => pid));
    const complete = there.size === others.length && others.every(({ member }) => there.has(member.pid));
    return complete && barrier.nWaiting === others.length;
  };
  await until(() => lacksOne() || others.every(({ settled }) => settled), 'the round to end or lack a party');
  const places: unknown[] = [death.value];
  if (lacksOne()) {
    assert.ok(!death.completed, 'the victim passed and the others did not');
    places[0] = await barrier.wait();
  }
  for (const { outcome } of others) places.push(await outcome);
  const broken = places.slice(1).filter((place) => place === 'broken');
  assert.ok(broken.length === 0 || broken.length === others.length, `mixed: ${places}`);
  assert.ok(!death.completed || broken.length === 0, 'broken, though the victim passed');
  const given = places.filter((place) => typeof place === 'number');
  assert.equal(new Set(given).size, given.length, `places given twice: ${places}`);
  assert.equal(barrier.broken, broken.length > 0);
  await isUsable(scene, barrier);
}

/** After a reset all parties, a newcomer among them, meet twice. */
async function isUsable(scene: Scene, barrier: Barrier): Promise<void> {
  barrier.reset();
  assert.equal(barrier.nWaiting, 0);
  const { parties } = barrier;
  for (let round = 0; round < 2; round++) {
    const own = Array.from({ length: parties - 1 }, () => barrier.wait());
    const newcomer = scene.progress(scene.newcomer.call(barrier, 'waitSync'), 'a newcomer');
    const places = await Promise.all([...own, newcomer]);
    assert.deepEqual(new Set(places), new Set(Array.from({ length: parties }, (_, place) => place)));
  }
}
