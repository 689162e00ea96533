/**
 * A shelf of items between producers and consumers, guarded by two Conditions on one RLock.
 *
 * Every item that is put notifies one who waits for items, and who was notified takes one if there
 * is one. So when nobody else is about, the shelf can't have items while consumers wait, nor room
 * while producers do.
 */

import { Condition, type Hold, RLock } from 'lockstep';
import { type Word, word } from '../../support/words.ts';
import type { Act, Intermission } from '../act.ts';
import { act } from '../act.ts';
import type { Flow } from '../flow.ts';
import { checkSection, enter, leave, makeSection, reenter, type Section } from '../section.ts';

const ROOM = 4;
const WHAT = 'Condition';
/** Milliseconds within which a notified flow has come. */
const PATIENCE = 30_000;
const NEAR = 1;
const WAITS_FOR_ITEM = 2;
const WAITS_FOR_ROOM = 3;

interface Things {
  lock: RLock;
  notEmpty: Condition;
  notFull: Condition;
  section: Section;
  put: Word;
  taken: Word;
  /** `put - taken`, when nobody is inside. */
  level: Word;
  /**
   * Notifications given, and calls that came back notified; of the dead at most as many as died
   * there.
   */
  given: Word;
  came: Word;
  died: Word;
  /** 1: no flow shall wait from now on. */
  over: Word;
}

export const conditionAct: Act = act<Things>({
  name: 'Condition',

  make() {
    const lock = new RLock();
    return {
      lock,
      notEmpty: new Condition(lock),
      notFull: new Condition(lock),
      section: makeSection(),
      put: word(),
      taken: word(),
      level: word(),
      given: word(),
      came: word(),
      died: word(),
      over: word(),
    };
  },

  async play(flow, things) {
    const producer = flow.random.percent(50);
    const condition = producer ? things.notFull : things.notEmpty;
    flow.at(NEAR);
    const hold = await flow.take(condition);
    if (hold === null) return;
    goIn(flow, things, hold);
    for (;;) {
      if (things.over.value !== 0) break;
      if (producer ? things.level.value < ROOM : things.level.value > 0) {
        if (producer) puts(flow, things);
        else takes(flow, things);
        break;
      }
      flow.at(producer ? WAITS_FOR_ROOM : WAITS_FOR_ITEM);
      leave(flow, things.section, WHAT);
      const notified = await flow.wait(
        (options) => condition.wait(options),
        (options) => condition.waitSync(options),
      );
      flow.at(NEAR);
      reenter(flow, things.section, WHAT);
      mend(things);
      if (notified === true) came(flow, things);
      // It gave up, and may still take what it finds; a signal that came makes it go at once.
      if (notified === null) break;
      if (!notified && flow.random.percent(50)) break;
    }
    await flow.dawdle();
    leave(flow, things.section, WHAT);
    hold.release();
  },

  died(flow, things, _seat, phase) {
    if (phase === 0) return;
    things.section.near.add(1);
    things.died.add(1);
    // It may not have reported its last step.
    void tellAll(flow, things, false);
  },

  awaitsRelief: (phase) => phase === WAITS_FOR_ITEM || phase === WAITS_FOR_ROOM,

  relieve: (flow, things, seen) => relieve(flow, things, seen),

  async check(flow, things) {
    const hold = await flow.takeSurely(things.lock);
    goIn(flow, things, hold);
    const { level, put, taken, section } = things;
    if (level.value < 0 || level.value > ROOM || level.value !== put.value - taken.value) {
      flow.violated(`${WHAT}: ${put.value} put, ${taken.value} taken, and ${level.value} on the shelf`);
      level.value = put.value - taken.value;
    }
    things.over.value = 0;
    leave(flow, section, WHAT);
    hold.release();
    checkSection(flow, section, WHAT);
  },
});

function goIn(flow: Flow, things: Things, hold: Hold): void {
  if (enter(flow, things.section, hold, WHAT)) mend(things);
}

/** A holder may have been killed between counting an item and moving it. */
function mend({ level, put, taken }: Things): void {
  level.value = put.value - taken.value;
}

function puts(flow: Flow, things: Things): void {
  things.put.add(1);
  things.level.add(1);
  if (flow.random.percent(10)) notifyAll(things, things.notEmpty);
  else notify(things, things.notEmpty);
}

function takes(flow: Flow, things: Things): void {
  things.taken.add(1);
  things.level.sub(1);
  if (flow.random.percent(10)) notifyAll(things, things.notFull);
  else notify(things, things.notFull);
}

function notify({ given }: Things, condition: Condition): void {
  given.add(1);
  condition.notify();
}

function notifyAll({ given }: Things, condition: Condition): void {
  given.add(condition.describe().waiting);
  condition.notifyAll();
}

/**
 * Nobody comes back notified whom nobody notified. A flow that is killed while it hands a
 * notification on may give it twice.
 */
function came(flow: Flow, { given, came: all, died }: Things): void {
  const now = all.add(1) + 1;
  if (now <= given.value + died.value) return;
  flow.violated(`${WHAT}: ${now} came back notified, ${given.value} were (${died.value} died)`);
}

/** Notifies all flows; forever, if it is `over`. */
async function tellAll(flow: Flow, things: Things, over: boolean): Promise<void> {
  const hold = await flow.takeSurely(things.lock);
  goIn(flow, things, hold);
  if (over) things.over.value = 1;
  notifyAll(things, things.notEmpty);
  notifyAll(things, things.notFull);
  leave(flow, things.section, WHAT);
  hold.release();
}

async function relieve(flow: Flow, things: Things, { here, quiet, quietFor }: Intermission): Promise<void> {
  if (!quiet || here.length === 0 || things.over.value !== 0) return;
  const waits = (phase: number): boolean => here.some((player) => player.phase === phase);
  const hungry = things.level.value > 0 && waits(WAITS_FOR_ITEM);
  const stuffed = things.level.value < ROOM && waits(WAITS_FOR_ROOM);
  if ((hungry || stuffed) && quietFor < PATIENCE) return;
  if (hungry)
    flow.violated(`${WHAT}: a notification was lost, ${things.level.value} items and consumers wait`);
  if (stuffed)
    flow.violated(`${WHAT}: a notification was lost, ${things.level.value} items and producers wait`);
  await tellAll(flow, things, true);
}
