/** The simulations: one scenario a machine, with its invariants. */

import assert from 'node:assert/strict';
import {
  barrierOf,
  boundedSemaphoreOf,
  eventOf,
  latchOf,
  lockOf,
  numberMachine,
  queueOf,
  rwlockOf,
  semaphoreOf,
  WRITER_PLACES,
} from '../../../src/cluster/machines/kinds.ts';
import { sessionOf } from '../../../src/cluster/machines/machine.ts';
import type { QueueState } from '../../../src/cluster/machines/queue.ts';
import type { AnyMachine, Scenario } from './scenario.ts';
import { call, Inside, pause, ring, TurnstileCheck, take } from './scenario.ts';
import type { Answer, Play, Player, Want, World } from './world.ts';

/** Makes a scenario afresh, for one seed. `machine` may be a mutant of the real one. */
export interface Subject {
  readonly name: string;
  readonly machine: AnyMachine;
  make(machine: AnyMachine): Scenario;
}

function turnstile(
  name: string,
  machine: AnyMachine,
  of: number,
  placesOf: (world: World) => number,
  players = 5,
): Subject {
  return {
    name,
    machine,
    make: (made) => {
      const inside = new Inside(of);
      const check = new TurnstileCheck(of);
      return {
        name,
        players,
        *play(player, world): Play {
          for (let round = 0; round < 3; round++) {
            const id = player.nextId();
            const places = placesOf(world);
            const held = yield* take(player, world, made, id, places);
            if (held === undefined) continue;
            inside.enter(player, places, held.token);
            yield* pause(world);
            inside.leave(player);
            const { reply } = yield call(player, made, id, { op: 'leave', call: id });
            assert.equal(reply.is, 'done');
          }
        },
        check: (state) => check.check(state),
        undo: (state) => check.undo(state),
        end: (state, world) => {
          // Entries of dead players stay until a player looks; the living have left nothing.
          const { holders = [], offers = [], queue = [] } = state ?? {};
          for (const [id] of [...holders, ...offers, ...queue]) {
            const player = world.players.find(({ session }) => session === sessionOf(id));
            assert.equal(player?.alive, false, `${id} has come to its end and left something`);
          }
        },
      };
    },
  };
}

const semaphore: Subject = {
  name: 'Semaphore',
  machine: semaphoreOf(2),
  make: (machine) => {
    let given = 2;
    let taken = 0;
    /** Calls of players that died: each may have taken or given one, unseen. */
    let unsure = 0;
    return {
      name: 'Semaphore',
      players: 4,
      *play(player, world): Play {
        for (let round = 0; round < 4; round++) {
          unsure++;
          const id = player.nextId();
          // Permits of dead players are lost forever, so players that wait have to give up in the
          // end.
          const held = yield* take(player, world, machine, id, 1, 'upInTheEnd');
          if (held !== undefined) taken++;
          unsure--;
          if (held === undefined) continue;
          yield* pause(world);
          unsure++;
          const again = player.nextId();
          yield call(player, machine, again, { op: 'give', call: again, places: 1, most: 1000 });
          given++;
          unsure--;
        }
      },
      check(state, _version, world) {
        // A dead player's permit is lost forever: another player has to replace it.
        if (world.faults || state === undefined) return;
        assert.ok(state.free >= 0);
      },
      end(state) {
        const out = state.offers.reduce((sum: number, offer: [string, number]) => sum + offer[1], 0);
        const difference = state.free + out - (given - taken);
        assert.ok(Math.abs(difference) <= unsure, `${difference} permits too many, ${unsure} unsure`);
      },
    };
  },
};

/**
 * Producers and consumers over one condition: each item is consumed once, and every player
 * finishes.
 */
const condition: Subject = {
  name: 'Condition',
  machine: lockOf('Condition'),
  make: (machine) => {
    const inside = new Inside(1);
    const check = new TurnstileCheck(1);
    let items = 0;
    function* enter(player: Player, world: World): Generator<Want, string, Answer> {
      const id = player.nextId();
      const held = yield* take(player, world, machine, id, 1, 'not');
      inside.enter(player, 1, held!.token);
      return id;
    }
    function* leave(player: Player, id: string): Generator<Want, void, Answer> {
      inside.leave(player);
      yield call(player, machine, id, { op: 'leave', call: id });
    }
    function* wait(player: Player, hold: string, patient: boolean): Generator<Want, string, Answer> {
      const id = player.nextId();
      inside.leave(player);
      const begun = yield call(player, machine, id, { op: 'wait', call: id, hold, condition: 'c' });
      assert.equal(begun.reply.is, 'waiting');
      for (let looks = 0; ; looks++) {
        yield ring();
        if (!patient && looks === 3)
          yield call(player, machine, id, { op: 'giveUp', call: id, condition: 'c' });
        const { reply, version } = yield call(player, machine, id, {
          op: 'take',
          call: id,
          places: 1,
          wait: true,
        });
        if (reply.is !== 'held') continue;
        inside.enter(player, 1, reply.token === 0 ? version : reply.token);
        return id;
      }
    }
    return {
      name: 'Condition',
      players: 5,
      *play(player, world): Play {
        const produces = world.random.percent(60);
        let hold = yield* enter(player, world);
        if (produces) {
          items++;
          const id = player.nextId();
          const { reply } = yield call(player, machine, id, {
            op: 'notify',
            call: id,
            hold,
            condition: 'c',
            n: 1,
          });
          assert.equal(reply.is, 'done');
        } else {
          const patient = !world.faults && world.random.percent(50);
          for (let tries = 0; items === 0 && tries < 2; tries++)
            hold = yield* wait(player, hold, patient && false);
          if (items > 0) items--;
        }
        yield* leave(player, hold);
      },
      check: (state) => check.check(state),
      undo: (state) => check.undo(state),
      end: () => assert.ok(items >= 0),
    };
  },
};

const event: Subject = {
  name: 'Event',
  machine: eventOf(),
  make: (machine) => {
    /** How often a write has left it set, and the calls that waited then or after the last one. */
    let sets = 0;
    let isSet = false;
    const freed = new Set<string>();
    let before: readonly string[] = [];
    return {
      name: 'Event',
      players: 5,
      *play(player, world): Play {
        if (world.random.percent(20)) {
          const set = player.nextId();
          yield call(player, machine, set, { op: 'count', call: set, n: 1 });
          const clear = player.nextId();
          yield call(player, machine, clear, { op: 'shut', call: clear });
          return;
        }
        const id = player.nextId();
        const [begun, wasSet] = [sets, isSet];
        for (let joins = true, looks = 0; ; joins = false, looks++) {
          const { reply } = yield call(player, machine, id, { op: 'wait', call: id, joins });
          if (reply.is === 'open') {
            assert.ok(wasSet || sets > begun, `${id} has come through, and nobody has set it`);
            assert.ok(joins || wasSet || freed.has(id) || isSet, `${id} has come through by itself`);
            return;
          }
          if (looks === 5 || !world.faults) {
            yield call(player, machine, id, { op: 'leave', call: id });
            return;
          }
          yield ring();
        }
      },
      check: (state) => {
        isSet = state !== undefined && state.left === 0;
        if (isSet) {
          assert.equal(state.waiting.length, 0, 'set, and some wait');
          sets++;
          for (const id of before) freed.add(id);
        }
        before = state?.waiting ?? [];
      },
      end: () => {},
    };
  },
};

const latch: Subject = {
  name: 'Latch',
  machine: latchOf(12),
  make: (machine) => {
    let certain = 0;
    let begun = 0;
    return {
      name: 'Latch',
      players: 4,
      *play(player): Play {
        const count = player.nextId();
        const least = certain + 1;
        begun++;
        const { reply } = yield call(player, machine, count, { op: 'count', call: count, n: 1 });
        certain++;
        assert.ok(reply.left <= Math.max(0, 12 - least), 'a count is lost');
        assert.ok(reply.left >= Math.max(0, 12 - begun), 'a count was made twice');
      },
      end: (state) => assert.equal(state.left, 0),
    };
  },
};

const barrier: Subject = {
  name: 'Barrier',
  machine: barrierOf(3),
  make: (machine) => {
    /** Calls that have arrived, and those of rounds that are over, as the document showed them. */
    let before: readonly string[] = [];
    const passed = new Set<string>();
    const broken = new Set<string>();
    return {
      name: 'Barrier',
      players: 5,
      *play(player, world): Play {
        const acts = true;
        for (let round = 0; round < 3; round++) {
          let again = '';
          for (;;) {
            const id = player.nextId();
            const arrived = yield call(player, machine, id, { op: 'arrive', call: id, acts, again });
            let { reply } = arrived;
            if (reply.is === 'waiting' && reply.place < 0) {
              again = id;
              yield ring();
              continue;
            }
            const { place } = reply;
            let looks = 0;
            while (reply.is === 'waiting') {
              yield ring();
              if (++looks > 8 || !world.faults) {
                const give = player.nextId();
                const gives = { op: 'break', call: give, party: id, why: 'timeout' };
                ({ reply } = yield call(player, machine, give, gives));
                if (reply.is === 'done') reply = { is: 'broken', why: 'timeout' };
              } else {
                const look = player.nextId();
                ({ reply } = yield call(player, machine, look, { op: 'look', call: look, party: id }));
              }
            }
            if (reply.is === 'acts') {
              const open = player.nextId();
              const opened = yield call(player, machine, open, { op: 'open', call: open, party: id });
              if (opened.reply.is === 'done') assert.ok(passed.has(id), 'opened, and has not passed');
              reply = opened.reply.is === 'done' ? { is: 'passed', place } : opened.reply;
            }
            if (reply.is === 'passed') assert.ok(passed.has(id), `${id} passed a round that is not over`);
            else if (reply.is === 'broken') {
              const reset = player.nextId();
              yield call(player, machine, reset, { op: 'reset', call: reset });
            } else assert.fail(`unexpected ${JSON.stringify(reply)}`);
            break;
          }
        }
      },
      check(state, _version, world) {
        const arrived: readonly string[] = state?.arrived ?? [];
        assert.ok(arrived.length <= 3);
        if (arrived.length < before.length) {
          const over = before.filter((id) => !arrived.includes(id));
          const failed: readonly string[] = state?.failed ?? [];
          // Found dead and reset in one step, a round leaves no trace of having been broken.
          const died = world.players.some(({ alive, orphaned, session }) => {
            return (!alive || orphaned) && over.some((id) => sessionOf(id) === session);
          });
          const failing =
            (died && over.length < 3) ||
            over.some((id) => failed.includes(id)) ||
            (state?.broken ?? '') !== '';
          for (const id of over) (failing ? broken : passed).add(id);
          if (!failing) assert.equal(over.length, 3, 'a round was over before all had come');
        }
        before = arrived;
      },
      end: () => {
        for (const id of passed) assert.ok(!broken.has(id));
      },
    };
  },
};

const value: Subject = {
  name: 'Value',
  machine: numberMachine(0),
  make: (machine) => {
    let sure = 0;
    let unsure = 0;
    return {
      name: 'Value',
      players: 5,
      *play(player): Play {
        for (let round = 0; round < 4; round++) {
          const id = player.nextId();
          unsure++;
          const add = { op: 'add', call: id, operand: 1, guard: 0 };
          const { reply } = yield call(player, machine, id, add);
          assert.ok(reply.value <= sure + unsure - 1, 'an addition was made twice');
          sure++;
          unsure--;
        }
      },
      end(state) {
        assert.ok(
          state.value >= sure && state.value <= sure + unsure,
          `${state.value} after ${sure} + ${unsure}`,
        );
      },
    };
  },
};

/**
 * Producers and consumers, by `get` and by `receive`: no item is lost or taken twice by `get`, and
 * none comes back after it was done.
 */
const queue: Subject = {
  name: 'Queue',
  machine: queueOf('JoinableQueue'),
  make: (machine) => {
    let made = 0;
    const sent = new Set<string>();
    const over = new Set<string>();
    /** Calls that may have ended an item, of players that died before the reply. */
    let unsure = 0;
    function* ends(player: Player, op: 'ack' | 'nack', of: string): Generator<Want, string, Answer> {
      const id = player.nextId();
      unsure++;
      const { reply } = yield call(player, machine, id, { op, call: id, of });
      unsure--;
      return reply.is;
    }
    return {
      name: 'Queue',
      players: 5,
      *play(player, world): Play {
        if (world.random.percent(55)) {
          const id = player.nextId();
          const text = String(++made);
          for (let wait = world.random.percent(70); ; wait = true) {
            const { reply } = yield call(player, machine, id, { op: 'put', call: id, text, most: 3, wait });
            if (reply.is === 'put') sent.add(text);
            if (reply.is !== 'waiting') return;
            if (world.random.percent(20) || !world.faults) break;
            yield ring(reply.look);
          }
          yield call(player, machine, id, { op: 'leave', call: id });
          return;
        }
        const op = world.random.percent(50) ? 'get' : 'receive';
        const id = player.nextId();
        for (;;) {
          unsure++;
          const { reply } = yield call(player, machine, id, { op, call: id, wait: true, visible: 40 });
          unsure--;
          if (reply.is === 'got') {
            const [, text] = reply.item;
            if (op === 'get') {
              assert.ok(!over.has(text), `${text} was taken twice`);
              over.add(text);
              const done = player.nextId();
              yield call(player, machine, done, { op: 'done', call: done });
              return;
            }
            yield* pause(world);
            const ending = world.random.percent(70) ? 'ack' : 'nack';
            if ((yield* ends(player, ending, id)) === 'done' && ending === 'ack') over.add(text);
            return;
          }
          if (world.random.percent(20) || !world.faults) break;
          yield ring(reply.look);
        }
        yield call(player, machine, id, { op: 'leave', call: id });
      },
      check(state) {
        if (state === undefined) return;
        const { items, out, left } = state as QueueState;
        const all = [...items, ...out.map(([, , item]) => item)];
        for (const [, text] of all) assert.ok(!over.has(text), `${text} came back after it was done`);
        assert.ok(items.length <= 3 + out.length + 5, 'more were put than there was room for');
        assert.ok(left >= all.length, 'an item is not counted');
        assert.equal(new Set(all.map(([order]) => order)).size, all.length, 'an item is there twice');
      },
      end(state) {
        const { items = [], out = [] } = (state ?? {}) as Partial<QueueState>;
        const there = new Set([...items, ...out.map(([, , item]) => item)].map(([, text]) => text));
        const lost = [...sent].filter((text) => !over.has(text) && !there.has(text));
        assert.ok(lost.length <= unsure, `${lost.length} items are lost, ${unsure} unsure`);
      },
    };
  },
};

export const subjects: readonly Subject[] = [
  turnstile('Lock', lockOf('Lock'), 1, () => 1),
  turnstile('BoundedSemaphore', boundedSemaphoreOf(3), 3, () => 1),
  turnstile('RWLock', rwlockOf(), WRITER_PLACES, ({ random }) => (random.percent(40) ? WRITER_PLACES : 1)),
  semaphore,
  condition,
  event,
  latch,
  barrier,
  value,
  queue,
];

/** Seldom contended: a commit that was given up finds the lock free, as it was. */
export const quietLock: Subject = turnstile('Lock', lockOf('Lock'), 1, () => 1, 2);
